"""Ways in which files break on real disks, cards and lines; each takes whole bytes and a generator, and returns others.

Headers stay whole (the first `after` bytes), so that it is the picture that suffers and not the name of the format.
"""

from collections.abc import Callable

import numpy as np

BLOCK = 512  # bytes: a sector


def cut_in_the_middle(data: bytes, after: int, rng: np.random.Generator) -> bytes:
    """A transfer that broke off."""
    return data[: int(rng.integers(after, len(data) - 20))]


def last_bytes_lost(data: bytes, _after: int, rng: np.random.Generator) -> bytes:
    """A file that is a few bytes too short: more than the end marker, without which a picture is still whole."""
    return data[: -int(rng.integers(4, 15))]


def padded_with_zeros(data: bytes, after: int, rng: np.random.Generator) -> bytes:
    """A download that made room for the whole file and then broke off."""
    at = int(rng.integers(after, len(data) - 20))
    return data[:at] + bytes(len(data) - at)


def sector_of_zeros(data: bytes, after: int, rng: np.random.Generator) -> bytes:
    """A sector that could not be read, in a copy that went on."""
    at = _block(data, after, rng)
    return data[:at] + bytes(BLOCK) + data[at + BLOCK :]


def sector_of_ones(data: bytes, after: int, rng: np.random.Generator) -> bytes:
    """An erased block of flash memory."""
    at = _block(data, after, rng)
    return data[:at] + b"\xff" * BLOCK + data[at + BLOCK :]


def sector_of_noise(data: bytes, after: int, rng: np.random.Generator) -> bytes:
    """A sector of another file."""
    at = _block(data, after, rng)
    return data[:at] + rng.bytes(BLOCK) + data[at + BLOCK :]


def sector_lost(data: bytes, after: int, rng: np.random.Generator) -> bytes:
    """Bytes missing in the middle."""
    at = _block(data, after, rng)
    return data[:at] + data[at + BLOCK :]


def sector_twice(data: bytes, after: int, rng: np.random.Generator) -> bytes:
    """A block that was written twice."""
    at = _block(data, after, rng)
    return data[: at + BLOCK] + data[at:]


def sectors_swapped(data: bytes, after: int, rng: np.random.Generator) -> bytes:
    """Fragments put together in the wrong order by a file recovery."""
    first = _block(data, after, rng, room=3)
    second = first + BLOCK * 2
    return (
        data[:first]
        + data[second : second + BLOCK]
        + data[first + BLOCK : second]
        + data[first : first + BLOCK]
        + data[second + BLOCK :]
    )


def line_ends_translated(data: bytes, after: int, _rng: np.random.Generator) -> bytes:
    """A binary file sent as text: every line feed became two characters."""
    return data[:after] + data[after:].replace(b"\n", b"\r\n")


def eighth_bit_lost(data: bytes, after: int, _rng: np.random.Generator) -> bytes:
    """A binary file sent over a line of seven bits."""
    return data[:after] + bytes(value & 0x7F for value in data[after:])


def tail_of_another(data: bytes, after: int, rng: np.random.Generator) -> bytes:
    """A file that goes on as another one of its kind: the bytes after some point are those of before."""
    at = int(rng.integers(after, len(data) - 40))
    size = len(data) - at
    return data[:at] + (data[after:] * (size // (len(data) - after) + 1))[:size]


KINDS: dict[str, Callable[[bytes, int, np.random.Generator], bytes]] = {
    kind.__name__: kind
    for kind in (
        cut_in_the_middle,
        last_bytes_lost,
        padded_with_zeros,
        sector_of_zeros,
        sector_of_ones,
        sector_of_noise,
        sector_lost,
        sector_twice,
        sectors_swapped,
        line_ends_translated,
        eighth_bit_lost,
        tail_of_another,
    )
}


def _block(data: bytes, after: int, rng: np.random.Generator, *, room: int = 1) -> int:
    """Return the start of a block of the data proper, with `room` blocks from there on."""
    return int(rng.integers(after, max(len(data) - room * BLOCK - 20, after + 1)))
