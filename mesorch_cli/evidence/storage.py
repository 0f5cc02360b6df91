"""Where pixels are stored: small arrays in memory, large ones in an unlinked file that the system pages in and out."""

import math
import mmap
import os
import stat
import sys
import tempfile
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

if sys.platform != "win32":
    import fcntl

COPIED_AT_ONCE = 1 << 24
DISK_BYTES = 1 << 30  # arrays larger than 1 GiB go to a file in the folder for temporary files (TMPDIR)

Scalar = TypeVar("Scalar", bound=np.generic)


class FileMap(mmap.mmap):
    """A shared mapping that keeps a descriptor of its file, so that the file can be passed to another process."""

    descriptor: int

    def __del__(self) -> None:
        os.close(self.descriptor)


def allocate(shape: tuple[int, ...], dtype: type[Scalar] | np.dtype[Scalar]) -> npt.NDArray[Scalar]:
    """Return an array with undefined content (zeros if it is large): in memory up to DISK_BYTES, otherwise in a file.

    The file has no name, so nothing is left behind however the process ends. Its space is reserved at once: OSError if
    the disk has too little, and never a fault while writing.
    """
    size = _size(shape, np.dtype(dtype))
    if size <= DISK_BYTES:
        return np.empty(shape, dtype)
    return mapped(_unlinked_file(size), shape, dtype, writable=True)


def zeros(shape: tuple[int, ...], dtype: type[Scalar] | np.dtype[Scalar]) -> npt.NDArray[Scalar]:
    """Return an array of zeros, in memory or in a file as with `allocate`."""
    if _size(shape, np.dtype(dtype)) <= DISK_BYTES:
        return np.zeros(shape, dtype)
    return allocate(shape, dtype)


def mapped(
    descriptor: int, shape: tuple[int, ...], dtype: type[Scalar] | np.dtype[Scalar], *, writable: bool = False
) -> npt.NDArray[Scalar]:
    """Return the array in a file, which is taken over and closed with the array. ValueError if it is too short."""
    count = _size(shape, np.dtype(dtype))
    access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
    try:
        content = FileMap(descriptor, count, access=access)
    except BaseException:
        os.close(descriptor)
        raise
    content.descriptor = descriptor
    return np.frombuffer(content, dtype).reshape(shape)


def received(descriptor: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the array that an untrusted process put into a file. It is read-only, and the file is taken over.

    A sealed file is mapped, as nobody can shorten it or change what was read. Any other file is copied. Raises
    ValueError for a file that is too short or not a regular file, OSError if there is no room for a copy.
    """
    if _is_sealed(descriptor):
        return mapped(descriptor, shape, dtype)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("pixels in something that is no file")
        array = allocate(shape, dtype)
        content = memoryview(array.reshape(-1).view(np.uint8).data)
        done = 0
        while done < len(content):
            count = os.preadv(descriptor, [content[done : done + COPIED_AT_ONCE]], done)
            if not count:
                raise ValueError(f"a file of {done} bytes; expected {len(content)}")
            done += count
    finally:
        os.close(descriptor)
    array.flags.writeable = False
    return array


def shared(array: npt.NDArray[Any]) -> int:
    """Return a descriptor of a file that holds the bytes of `array`. The caller closes it.

    For a small array, this is unnamed memory, sealed against every change, if the system supports that; otherwise an
    unlinked file. An array that is already in such a file is not copied.
    """
    owner: Any = array
    while isinstance(owner, (np.ndarray, memoryview)):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    if isinstance(owner, FileMap) and len(owner) == array.nbytes and array.flags.c_contiguous:
        return os.dup(owner.descriptor)
    sealable = array.nbytes <= DISK_BYTES and sys.platform == "linux"
    descriptor = _nameless_memory(array.nbytes) if sealable else _unlinked_file(array.nbytes)
    if array.nbytes:
        target = mapped(os.dup(descriptor), array.shape, array.dtype, writable=True)
        np.copyto(target, array)
        del target  # a writable mapping would prevent the seal
    if sealable:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _seals())
    return descriptor


def _seals() -> int:
    return fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def _is_sealed(descriptor: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        return fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & _seals() == _seals()
    except OSError:
        return False  # this kind of file has no seals


def _nameless_memory(size: int) -> int:
    descriptor = os.memfd_create("mesorch", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    return descriptor


def _unlinked_file(size: int) -> int:
    """Return a descriptor of a new unnamed file. Raises OSError if the disk has no room for `size` bytes."""
    try:
        opened = tempfile.TemporaryFile(prefix="mesorch-")  # noqa: SIM115 - closed below
    except PermissionError:
        # A sandboxed process on a file system without unnamed files: only memory is left.
        if sys.platform != "linux":
            raise
        return _nameless_memory(size)
    with opened as file:
        if hasattr(os, "posix_fallocate") and size:
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return os.dup(file.fileno())


def _size(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return math.prod(shape) * dtype.itemsize
