"""The same file in a second, independent decoder. Where the two disagree, one of them invented something.

The second decoder must give the same thing: the stored samples, not turned, blended, premultiplied or scaled. If it
cannot, nothing is compared and the reason is recorded.
"""

from typing import Any

import numpy as np

from mesorch_cli.evidence.colour import ROWS_AT_ONCE, Samples
from mesorch_cli.evidence.formats.registry import named
from mesorch_cli.evidence.inspection import Inspection
from mesorch_cli.evidence.photo import Content, Pixels
from mesorch_cli.evidence.second_decoder import NotComparableError, SecondDecoder, none_because

_OWN_CHANNELS = {"grey": 1, "rgb": 3}


def compare(data: Content, inspection: Inspection, samples: Samples) -> dict[str, Any]:
    """Decode `data` again and return how far the stored samples agree.

    Keys: "decoder" and "version" of the second one; "compared" (False, with a "reason", if it does not read this file
    or cannot give the same samples); "largest_difference" in steps of the samples' type; "share_changed" of all
    samples; and "exact_expected": whether the format leaves decoders no choice, so that any difference is a finding. It
    is False if nothing was compared. The comparison is of samples before any conversion to RGB, without alpha.
    """
    second = _second(inspection, samples)
    result: dict[str, Any] = {"decoder": second.name, "version": second.version}
    try:
        other, exact = second.decode(data)
        first = samples.array if samples.array.ndim == 3 else samples.array[:, :, None]
        other = other if other.ndim == 3 else other[:, :, None]
        if first.shape[:2] != other.shape[:2]:
            (height, width), (other_height, other_width) = first.shape[:2], other.shape[:2]
            raise NotComparableError(f"sizes differ: {width} x {height} and {other_width} x {other_height} pixels")
        if first.dtype != other.dtype:
            raise NotComparableError(f"sample types differ: {first.dtype} and {other.dtype}")
    except NotComparableError as error:
        return result | {"exact_expected": False, "compared": False, "reason": str(error)}
    channels = min(_OWN_CHANNELS.get(samples.kind, 4), first.shape[2], other.shape[2])
    inverted = samples.kind == "cmyk inverted"  # Pillow inverts these while loading
    largest, changed = _difference(first[:, :, :channels], other[:, :, :channels], inverted=inverted)
    total = first.shape[0] * first.shape[1] * channels
    share = round(changed / total, 9)
    return result | {"exact_expected": exact, "compared": True, "largest_difference": largest, "share_changed": share}


def _difference(first: Pixels, second: Pixels, *, inverted: bool) -> tuple[int, int]:
    """Return the largest difference of two samples and the number of samples that differ, band by band."""
    largest = changed = 0
    for start in range(0, len(first), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        other = 255 - second[rows] if inverted else second[rows]
        distance = np.abs(first[rows].astype(np.int32) - other)
        largest, changed = max(largest, int(distance.max())), changed + int(np.count_nonzero(distance))
    return largest, changed


def _second(inspection: Inspection, samples: Samples) -> SecondDecoder:
    """Return the second decoder for a file."""
    format_ = named(inspection.format)
    if inspection.page > 1 and not format_.second_reads_pages:
        return none_because("only the first page or frame is read by a second decoder")
    nothing = none_because(f"no second decoder for {format_.name} with samples of {inspection.bits} bits")
    return format_.second(inspection, samples) or nothing
