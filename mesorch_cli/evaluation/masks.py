"""Masks as data sets write them. Stated rules decide which pixels of a photo are tampered, or the mask is refused.

Every command that reads a mask reads it here. The rules, in this order:

- Transparency that varies over one colour is the mask, and the more opaque is tampered. Even transparency is ignored.
- Two values: the larger one is tampered, whatever it is (0 and 1, 0 and 255, 0 and 65535).
- Two colours, also from a palette: beside black, the other colour is tampered. Two colours without black are ambiguous,
  and MaskRule.colour decides.
- One value: black means that nothing is tampered, white that everything is.
- More than two values of grey: values above half of the used range are tampered, provided that they form two groups, as
  in JPEG and smoothed masks. Otherwise they are labels or a heat map, and are refused.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evidence.formats.registry import named
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import Photo, Pixels, ReadOptions

READ = ReadOptions(alpha=True)
EMPTY = "mask: nothing tampered"  # the reason of such a photo
GROUPS = "two groups of values: above half of the used range is tampered"
DARK = 1 / 8  # of white: a colour is black if no channel is brighter
GREY_TOLERANCE = 3 / 255  # of white: how far apart the channels of a grey JPEG may be
FEW_VALUES = 8  # so few in a lossless file are labels, unless the middle ones form an edge thinner than this
THIN = 3  # pixels
FEW_LEVELS = 16  # a smaller used range has no two distinguishable groups
MIDDLE_SHARE = 0.5  # the middle half of the used range holds at most this share of the smaller group
NAMED = 5  # values that a message names

Mask = NDArray[np.bool_]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class MaskRule:
    """What a mask file cannot say. allow_empty: masks without tampered pixels are valid, and their photos authentic.

    colour: which of a mask's two colours is tampered, 0..255 a channel; None for the rules above.
    """

    allow_empty: bool = False
    colour: Colour | None = None


@dataclass(frozen=True)
class ReadMask:
    """A mask as it was read. tampered: (H, W). reading: the rule that was applied, in words."""

    tampered: Mask
    reading: str


def parse_colour(text: str) -> Colour:
    """Read `ff0000`. Raises UsageError for anything else."""
    if not re.fullmatch(r"#?[0-9a-fA-F]{6}", text):
        raise UsageError(f"Mask colour {text!r}: expected six hexadecimal digits, such as ff0000 for red.")
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def read_mask(path: Path, rule: MaskRule | None = None) -> ReadMask:
    """Read a mask file. Raises InputError, with a reason starting `mask: `, if it cannot be read or interpreted."""
    try:
        photo = process_reader().read(path, options=READ)
    except InputError as error:
        raise InputError(str(error), reason=f"mask: {error.reason}") from error
    return mask_of(photo, rule or MaskRule())


def mask_of(photo: Photo, rule: MaskRule) -> ReadMask:
    """Return the mask in a file that was read with READ. Raises InputError as `read_mask` does."""
    if not photo.decode.integrity.ok:
        found = photo.decode.integrity.findings[0]
        raise InputError(f"The mask {photo.source!r} is damaged: {found}.", reason="mask: damaged")
    pixels = photo.pixels
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3]
        pixels = pixels[..., :3]
        if alpha.min() != alpha.max():
            visible = pixels[alpha > 0]
            if (visible != visible[0]).any():
                raise _refused(photo, "colours and transparency that both vary")
            read = _grey(photo, alpha)
            return ReadMask(read.tampered, f"transparency, {read.reading}")
    read = _coloured(photo, pixels, rule)
    if not read.tampered.any() and not rule.allow_empty:
        raise InputError(
            f"The mask {photo.source!r} says that nothing is tampered, but its photo is listed as tampered. Expected "
            "a mask with tampered pixels: list the photo as authentic, or allow empty masks.",
            reason=EMPTY,
        )
    return read


def readings(found: Iterable[str | None]) -> dict[str, int]:
    """Return how often each reading was used, the most frequent first."""
    return dict(Counter(reading for reading in found if reading is not None).most_common())


def _coloured(photo: Photo, pixels: Pixels, rule: MaskRule) -> ReadMask:
    """Read colours (H, W, 3), grey among them."""
    white = int(np.iinfo(pixels.dtype).max)
    first = pixels[0, 0]
    rest = (pixels != first).any(axis=2)
    one = _colour(first)
    if not rest.any():
        return _even(photo, one, rest, white, rule)
    y, x = np.unravel_index(int(rest.argmax()), rest.shape)
    other = _colour(pixels[y, x])
    if not (rest & (pixels != pixels[y, x]).any(axis=2)).any():
        tampered = _chosen(photo, one, other, white, rule)
        names = sorted((one, other), key=lambda colour: (colour == tampered, colour))
        words = " and ".join(_named(colour) for colour in names)
        return ReadMask(rest if tampered == other else ~rest, f"{words}: {_named(tampered)} is tampered")
    apart = pixels.max(axis=2) - pixels.min(axis=2)
    if int(apart.max()) > GREY_TOLERANCE * white:
        raise _refused(photo, f"more than two colours: {_first(pixels.reshape(-1, 3))}")
    return _grey(photo, pixels[..., 1] if not apart.any() else pixels.mean(axis=2).round().astype(pixels.dtype))


def _even(photo: Photo, colour: Colour, rest: Mask, white: int, rule: MaskRule) -> ReadMask:
    """Read a mask of one colour; rest: (H, W), False everywhere."""
    if rule.colour is not None:
        full = colour == _scaled(rule.colour, white)
    elif max(colour) == 0 or min(colour) == white:
        full = max(colour) > 0
    else:
        raise _refused(photo, f"one value, {_named(colour)}, which is neither black nor white")
    words = "everything" if full else "nothing"
    return ReadMask(~rest if full else rest, f"one value, {_named(colour)}: {words} is tampered")


def _chosen(photo: Photo, one: Colour, other: Colour, white: int, rule: MaskRule) -> Colour:
    """Return which of two colours is tampered."""
    if rule.colour is not None:
        wanted = _scaled(rule.colour, white)
        if wanted not in (one, other):
            raise _refused(photo, f"the values {_named(one)} and {_named(other)}, not the colour asked for")
        return wanted
    if all(len(set(colour)) == 1 for colour in (one, other)):
        return max(one, other)
    dark = [colour for colour in (one, other) if max(colour) <= DARK * white]
    if len(dark) != 1:
        raise _refused(
            photo, f"the colours {_named(one)} and {_named(other)}, of which neither is black; say which is tampered"
        )
    return other if dark[0] == one else one


def _grey(photo: Photo, values: NDArray[np.unsignedinteger]) -> ReadMask:
    """Read grey values or opacities (H, W), at least two different ones."""
    counts = np.bincount(values.ravel())
    present = np.flatnonzero(counts)
    low, high = int(present[0]), int(present[-1])
    if present.size == 2:
        return ReadMask(values == high, f"{low} and {high}: {high} is tampered")
    smoothed = (
        named(photo.decode.format).lossy or present.size > FEW_VALUES or _is_thin((values != low) & (values != high))
    )
    if not smoothed or not _in_two_groups(counts, low, high):
        raise _refused(photo, f"{present.size} values: {_listed([str(value) for value in present])}")
    return ReadMask(values > (low + high) / 2, GROUPS)


def _is_thin(pixels: Mask) -> bool:
    """Return whether some pixels of a plane form lines, like the smoothed edges of an area."""
    return not cv2.erode(pixels.astype(np.uint8), np.ones((THIN, THIN), np.uint8)).any()


def _in_two_groups(counts: NDArray[np.int64], low: int, high: int) -> bool:
    """Return whether values lie near both ends of their range."""
    if high - low < FEW_LEVELS:
        return False
    quarter = (high - low) / 4
    below = counts[: int(low + quarter) + 1].sum()
    above = counts[int(np.ceil(high - quarter)) :].sum()
    return bool(counts.sum() - below - above <= MIDDLE_SHARE * min(below, above))


def _colour(value: NDArray[np.unsignedinteger]) -> Colour:
    red, green, blue = (int(part) for part in value)
    return red, green, blue


def _scaled(colour: Colour, white: int) -> Colour:
    red, green, blue = (part * white // 255 for part in colour)
    return red, green, blue


def _named(colour: Colour) -> str:
    return str(colour[0]) if len(set(colour)) == 1 else f"({colour[0]}, {colour[1]}, {colour[2]})"


def _first(colours: Pixels) -> str:
    """Name the first few of more than two colours."""
    found: dict[Colour, None] = {}
    left = colours
    while len(left) and len(found) <= NAMED:
        found[_colour(left[0])] = None
        left = left[(left != left[0]).any(axis=1)]
    return _listed([_named(colour) for colour in found])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


def _refused(photo: Photo, what: str) -> InputError:
    return InputError(
        f"The mask {photo.source!r} has {what}. Expected two values, the larger one tampered. Save it with 0 and 255.",
        reason=f"mask: {what}",
    )
