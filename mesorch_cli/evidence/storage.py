"""Where pixels lie: small arrays in memory, large ones in an unlinked file that the system pages in and out."""

import math
import mmap
import os
import tempfile
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

DISK_BYTES = 1 << 30  # arrays larger than 1 GiB go to a file in the folder for temporary files (TMPDIR)

Scalar = TypeVar("Scalar", bound=np.generic)


class FileMap(mmap.mmap):
    """A shared mapping that keeps a descriptor of its file, so that the file can be handed to another process."""

    descriptor: int

    def __del__(self) -> None:
        os.close(self.descriptor)


def allocate(shape: tuple[int, ...], dtype: type[Scalar] | np.dtype[Scalar]) -> npt.NDArray[Scalar]:
    """Return an array of undefined content (zeros where it is large): up to DISK_BYTES in memory, else in a file.

    The file has no name, so that nothing is left behind however the process ends. Its room is reserved at once: OSError
    where the disk has too little, and never a fault while writing.
    """
    size = _size(shape, np.dtype(dtype))
    if size <= DISK_BYTES:
        return np.empty(shape, dtype)
    return mapped(_unlinked_file(size), shape, dtype, writable=True)


def zeros(shape: tuple[int, ...], dtype: type[Scalar] | np.dtype[Scalar]) -> npt.NDArray[Scalar]:
    """Return an array of zeros, in memory or in a file as `allocate` does it."""
    if _size(shape, np.dtype(dtype)) <= DISK_BYTES:
        return np.zeros(shape, dtype)
    return allocate(shape, dtype)


def mapped(
    descriptor: int, shape: tuple[int, ...], dtype: type[Scalar] | np.dtype[Scalar], *, writable: bool = False
) -> npt.NDArray[Scalar]:
    """Return the array that lies in a file, which is taken over: it is closed with the array. ValueError if too short."""
    count = _size(shape, np.dtype(dtype))
    access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
    try:
        content = FileMap(descriptor, count, access=access)
    except BaseException:
        os.close(descriptor)
        raise
    content.descriptor = descriptor
    return np.frombuffer(content, dtype).reshape(shape)


def shared(array: npt.NDArray[Any]) -> int:
    """Return a descriptor of a file that holds the bytes of `array`; the caller closes it.

    Memory without a name where the system has that and the array is small, else an unlinked file. An array that already
    lies in such a file is not copied.
    """
    owner: Any = array
    while isinstance(owner, (np.ndarray, memoryview)):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    if isinstance(owner, FileMap) and len(owner) == array.nbytes and array.flags.c_contiguous:
        return os.dup(owner.descriptor)
    if array.nbytes > DISK_BYTES or not hasattr(os, "memfd_create"):
        descriptor = _unlinked_file(array.nbytes)
    else:
        descriptor = os.memfd_create("mesorch")
        os.ftruncate(descriptor, array.nbytes)
    if array.nbytes:
        target = mapped(os.dup(descriptor), array.shape, array.dtype, writable=True)
        np.copyto(target, array)
    return descriptor


def _unlinked_file(size: int) -> int:
    """Return a descriptor of a new file without a name; OSError if the disk has no room for `size` bytes."""
    with tempfile.TemporaryFile(prefix="mesorch-") as file:
        if hasattr(os, "posix_fallocate") and size:
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return os.dup(file.fileno())


def _size(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return math.prod(shape) * dtype.itemsize
