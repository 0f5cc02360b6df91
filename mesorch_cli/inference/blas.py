"""The threads of NumPy's own matrix products."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import ThreadpoolController

WHEELS = "libscipy_openblas"  # how the OpenBLAS in the wheels of NumPy and SciPy is called; PyTorch's is another


class _Limit:
    """A limit that the whole process shares: the first who needs it sets it, and the last takes it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._set = ExitStack()

    def enter(self) -> None:
        with self._lock:
            if self._users == 0:
                self._set.enter_context(ThreadpoolController().select(prefix=WHEELS).limit(limits=1))
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._set.close()


_ONE = _Limit()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let each product of NumPy's take one thread for a while, in the whole process.

    The lanes of the network already keep every core busy. OpenBLAS divides even small products among threads of its own,
    and those wait for the next product by spinning, on cores that the lanes need.
    """
    _ONE.enter()
    try:
        yield
    finally:
        _ONE.leave()
