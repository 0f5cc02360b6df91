"""The effect of copies on a photo's map: how certain each is, and which of its two parts was pasted."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.inference.scoring import STEEPEST
from mesorch_cli.inference.witnesses.copies.movements import CELL
from mesorch_cli.inference.witnesses.copies.search import Copy, Features, Mask, find_copies
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.geometry import MOST_LINKS, Geometry, Point, outlined, spread_out
from mesorch_cli.inference.witnesses.witness import Witness, Words
from mesorch_cli.network.rules import CopyRule

MOST_TELLING = 4.0  # difference of mean logits beyond which the network gets no more weight
SMALLEST_LOGIT = 12.0  # logits of the map are kept within plus and minus this before they are averaged


def certainty_of(features: Features, rule: CopyRule) -> float:
    """Return the certainty that two parts are copies and not just similar, 0..1: logistic in the measurements."""
    logit = (
        rule.intercept
        + rule.matches * math.log(features.matches)
        + rule.brightness * features.brightness
        + rule.grain * features.grain
        + rule.filled * features.filled
        + rule.overlap * features.overlap
        + rule.returned * features.returned
    )
    return 1.0 / (1.0 + math.exp(-max(-STEEPEST, min(STEEPEST, logit))))


def mark_copies(copies: Sequence[Copy], map_: NDArray[np.float32], rule: CopyRule) -> tuple[Finding, ...]:
    """Raise a photo's map (H, W) at its copies. Return the certain ones.

    A value p in a part becomes 1 - (1 - p) (1 - c q), where c is the certainty of the copy and q that this part is the
    pasted one, from the network's logits on both. Without a preference of the network, q is one half for both.

    A finding has two places: the `part` that was probably pasted, according to the network, and its `counterpart`. Its
    certainty is that the photo contains a copy at all. part_pasted: how probable it is, 0.5..1, that this part was the
    pasted one, if one of the two was. turn_degrees (clockwise in the raster), scale: of the movement from the
    counterpart to the part. matches: points that agree. agreement: correlation of the grain, -1..1. Its geometry has the
    outlines of both places and, as links, points that agree.
    """
    certain = [(certainty_of(copy.features, rule), copy) for copy in copies]
    certain = sorted((pair for pair in certain if pair[0] >= rule.least), key=lambda pair: -pair[0])
    logits = {id(copy): _mean_logits(map_, copy) for _, copy in certain}
    findings = []
    for certainty, copy in certain:
        first, second = logits[id(copy)]
        lean = min(MOST_TELLING, max(-MOST_TELLING, rule.preference * (first - second)))
        part_pasted = 1.0 / (1.0 + math.exp(-lean))
        boxes = [
            _raise(map_, mask, certainty * share)
            for mask, share in ((copy.part, part_pasted), (copy.counterpart, 1.0 - part_pasted))
        ]
        swapped = part_pasted < 0.5
        if swapped:
            boxes.reverse()
        findings.append(
            Finding(
                witness=COPIES.name,
                certainty=certainty,
                places=(("part", boxes[0]), ("counterpart", boxes[1])),
                measures={
                    "part_pasted": round(max(part_pasted, 1.0 - part_pasted), 6),
                    "turn_degrees": round(copy.turn_degrees if swapped else -copy.turn_degrees, 2),
                    "scale": round(copy.scale if swapped else 1.0 / copy.scale, 4),
                    "matches": copy.features.matches,
                    "agreement": round(copy.features.grain, 6),
                },
                geometry=_geometry(copy, map_.shape[1], map_.shape[0], swapped=swapped),
            )
        )
    return tuple(findings)


def _geometry(copy: Copy, width: int, height: int, *, swapped: bool) -> Geometry:
    """Return the geometry of a copy in a raster of width x height. swapped: the counterpart is the first place."""
    across, down = width / copy.part.shape[1], height / copy.part.shape[0]

    def point(place: complex) -> Point:
        return round((place.real + 0.5) * across, 1), round((place.imag + 0.5) * down, 1)

    sides = [(copy.part, copy.source), (copy.counterpart, copy.target)]
    (first, ends), (second, others) = reversed(sides) if swapped else sides
    (part, near), (counterpart, far) = (outlined(mask, width, height) for mask in (first, second))
    kept = spread_out(ends, MOST_LINKS, CELL)
    return Geometry(
        outlines=(*(("part", corners) for corners in part), *(("counterpart", corners) for corners in counterpart)),
        links=tuple((point(ends[index]), point(others[index])) for index in kept),
        tolerance=max(near, far),
    )


def _mean_logits(map_: NDArray[np.float32], copy: Copy) -> tuple[float, float]:
    """Return the map's mean logit on each part, without pixels that both share."""
    size = (copy.part.shape[1], copy.part.shape[0])
    small = cv2.resize(map_, size, interpolation=cv2.INTER_AREA).astype(np.float64)
    bound = 1.0 / (1.0 + math.exp(SMALLEST_LOGIT))
    small = np.clip(small, bound, 1.0 - bound)
    logits = np.log(small / (1.0 - small))
    apart = ~(copy.part & copy.counterpart)
    means = [
        float(logits[mask & apart].mean()) if (mask & apart).any() else 0.0 for mask in (copy.part, copy.counterpart)
    ]
    return means[0], means[1]


def _raise(map_: NDArray[np.float32], mask: Mask, chance: float) -> Box:
    """Raise the map inside a mask, in place. Return the mask's box in the map's pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    down, across = map_.shape[0] / mask.shape[0], map_.shape[1] / mask.shape[1]
    top, bottom = int(rows[0] * down), math.ceil((rows[-1] + 1) * down)
    left, right = int(columns[0] * across), math.ceil((columns[-1] + 1) * across)
    window = map_[top:bottom, left:right]
    inside = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
    stretched = cv2.resize(inside, (window.shape[1], window.shape[0]), interpolation=cv2.INTER_NEAREST) > 0
    window[stretched] = 1.0 - (1.0 - window[stretched]) * np.float32(1.0 - chance)
    return Box(left, top, right - left, bottom - top)


COPIES = Witness(
    name="copies",
    needs=("pixels",),
    counts_as="certainty of a copy",
    words=Words(
        title="Parts of the photo that match each other",
        short="copy",
        sentence="The part at {part} matches the part at {counterpart}, turned by {turn_degrees:z.0f} degrees and scaled by "
        "{scale:.2f}. {matches} points agree; the certainty of a copy is {certainty}, and {part_pasted:.2f} that the first "
        "part is the pasted one.",
        explanation="After the movement, the two parts match point by point and in their grain. That shows a copy, not "
        "who made it or why: watermarks, logos and printed patterns also repeat. The match does not show which "
        "part was there first; the direction comes from the network.",
        drawn="parts that match each other",
        linked="some of the points that agree",
    ),
    look=lambda material, rule: find_copies(material.pixels, rule.doubled_below),
    conclude=mark_copies,
)
