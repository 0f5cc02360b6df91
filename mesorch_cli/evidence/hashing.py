"""SHA-256 of bytes and of files: the name by which a record refers to a piece of evidence."""

import hashlib
import mmap
import os
from pathlib import Path

CHUNK_BYTES = 1 << 20  # 1 MiB: large enough to keep the disk busy, small enough for any machine


def sha256_bytes(data: bytes | bytearray | memoryview | mmap.mmap) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | os.PathLike[str], *, chunk_bytes: int = CHUNK_BYTES) -> str:
    """Return the SHA-256 of a file's content, read in chunks, as 64 lower-case hexadecimal digits.

    The file is opened read-only and never held in memory as a whole. Raises OSError where it cannot be read and
    ValueError where `chunk_bytes` is not positive.
    """
    if chunk_bytes < 1:
        raise ValueError(f"chunk_bytes is {chunk_bytes}; expected at least 1")
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(chunk_bytes):
            digest.update(chunk)
    return digest.hexdigest()
