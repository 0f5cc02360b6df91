"""The head of a weights file: its passport, read without the tensors and without PyTorch."""

from pathlib import Path

from mesorch_cli.bounds import json_within
from mesorch_cli.errors import WeightsError
from mesorch_cli.network.contents import MOST_BYTES, Contents, read_ordinary
from mesorch_cli.network.passport import Passport, parse_passport

PASSPORT_KEY = "mesorch.passport"
LENGTH_BYTES = 8  # of the header's length at the front of a safetensors file, little-endian
MOST_HEADER = 16 * 1024 * 1024


def read_passport(path: Path) -> Passport:
    """Read only the passport of a weights file and compare it with its checksum, without reading the tensors.

    Raises WeightsError for anything but a weights file of this program.
    """
    length = int.from_bytes(read_ordinary(path, MOST_BYTES, LENGTH_BYTES), "little")
    return _passport(read_ordinary(path, MOST_BYTES, LENGTH_BYTES + min(length, MOST_HEADER)), path)


def passport_of(contents: Contents) -> Passport:
    """Return the passport from bytes already read, compared with its checksum. Raises as `read_passport` does."""
    return _passport(contents.data, contents.path)


def metadata_of(front: bytes, path: Path) -> dict[str, str]:
    """Return the metadata from the head of a safetensors file. Raises WeightsError for any other file."""
    length = int.from_bytes(front[:LENGTH_BYTES], "little")
    try:
        if len(front) < LENGTH_BYTES or not 0 < length <= MOST_HEADER:
            raise ValueError(f"a header of {length} bytes")
        header = json_within(front[LENGTH_BYTES : LENGTH_BYTES + length])
        metadata = header.get("__metadata__") or {} if isinstance(header, dict) else None
        if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
            raise ValueError("its header is no table of tensors")
    except ValueError as error:
        raise WeightsError(
            f"Cannot read {path} as safetensors ({error}). A published .pth goes through `mesorch weights import` "
            "first."
        ) from error
    return metadata


def _passport(front: bytes, path: Path) -> Passport:
    metadata = metadata_of(front, path)
    if PASSPORT_KEY not in metadata:
        raise WeightsError(
            f"{path} has no passport, so its network is unknown. Expected the metadata entry "
            f"`{PASSPORT_KEY}`: import the original file with `mesorch weights import`."
        )
    return parse_passport(metadata[PASSPORT_KEY], str(path))
