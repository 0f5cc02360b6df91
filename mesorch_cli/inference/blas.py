"""The threads of NumPy's own matrix products."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

WHEELS = "libscipy_openblas"  # how the OpenBLAS in the wheels of NumPy and SciPy is called; PyTorch's is another


@contextmanager
def one_thread() -> Iterator[None]:
    """Let each product of NumPy's take one thread for a while, in the whole process.

    The lanes of the network already keep every core busy. OpenBLAS divides even small products among threads of its own,
    and those wait for the next product by spinning, on cores that the lanes need.
    """
    with ThreadpoolController().select(prefix=WHEELS).limit(limits=1):
        yield
