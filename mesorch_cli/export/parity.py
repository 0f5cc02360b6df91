"""The gate: compares an exported file in its runtime with PyTorch, on real photos, a flat one, and extreme sizes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import VerificationError
from mesorch_cli.inference.backends.protocol import Backend

Photo = NDArray[np.uint8]  # (H, W, 3) RGB
FLAT_GREY = 128
# Batch, height and width besides the weights' own side: a step of 32 pixels, unequal sides, several tiles.
EDGE_SIZES = ((1, 32, 32), (2, 32, 96), (5, 96, 64))
BATCH = 3


@dataclass(frozen=True)
class Tolerance:
    """How far a file may differ. logits: the most, None if only the mask counts. flipped: share of mask pixels.

    A different order of sums changes float32 logits in the fifth digit. Lower precision changes them visibly, so there
    only the visible mask counts.
    """

    logits: float | None
    flipped: float


TOLERANCES = {"fp32": Tolerance(2e-3, 1e-4), "fp16": Tolerance(None, 0.005)}


@dataclass(frozen=True)
class ParityInput:
    """One input: tiles (B, H, W, 3) uint8."""

    name: str
    tiles: NDArray[np.uint8]


@dataclass(frozen=True)
class Difference:
    """The result of one input. logits: largest difference. flipped: share of pixels that crossed the threshold."""

    case: str
    batch: int
    height: int
    width: int
    logits: float
    flipped: float


@dataclass(frozen=True)
class Parity:
    """The results of all inputs. flipped: share over all their pixels."""

    differences: tuple[Difference, ...]
    threshold: float
    tolerance: Tolerance

    @property
    def logits(self) -> float:
        return max(one.logits for one in self.differences)

    @property
    def flipped(self) -> float:
        pixels = [one.batch * one.height * one.width for one in self.differences]
        return sum(one.flipped * count for one, count in zip(self.differences, pixels, strict=True)) / sum(pixels)

    @property
    def holds(self) -> bool:
        """Return whether the file may be kept: every figure is finite and within the tolerance."""
        within = self.tolerance.logits is None or self.logits <= self.tolerance.logits
        return within and bool(np.isfinite(self.logits)) and self.flipped <= self.tolerance.flipped

    def to_dict(self) -> dict[str, object]:
        """Return plain values for the sidecar."""
        return {
            "threshold": self.threshold,
            "largest_logit_difference": self.logits,
            "flipped": self.flipped,
            "tolerance": asdict(self.tolerance),
            "cases": [asdict(one) for one in self.differences],
        }


def squashed(photo: Photo, height: int, width: int) -> Photo:
    """Return a photo at another size, squashed as in the whole-image scale."""
    resized: Photo = np.ascontiguousarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return resized


def cases(photos: dict[str, Photo], side: int) -> Iterator[ParityInput]:
    """Yield the gate's inputs for weights whose tiles have `side` pixels."""
    for name, photo in photos.items():
        yield ParityInput(name, squashed(photo, side, side)[None])
    yield ParityInput("flat", np.full((1, side, side, 3), FLAT_GREY, np.uint8))
    all_photos = list(photos.values())
    taken = [all_photos[index % len(all_photos)] for index in range(max(BATCH, *(size[0] for size in EDGE_SIZES)))]
    for batch, height, width in ((BATCH, side, side), (1, side * 3 // 64 * 32, side * 2), *EDGE_SIZES):
        yield ParityInput("sizes", np.stack([squashed(photo, height, width) for photo in taken[:batch]]))


def logit_of(threshold: float) -> float:
    """Return the logit of a probability, infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        return float(np.log(threshold) - np.log1p(-threshold))


def difference(name: str, wanted: NDArray[np.float32], found: NDArray[np.float32], threshold: float) -> Difference:
    """Compare logits (B, 1, H, W). Raises VerificationError if the shapes differ."""
    if wanted.shape != found.shape:
        raise VerificationError(
            f"The exported file gave logits of the shape {found.shape} for {name}. Expected {wanted.shape}. It was "
            "not kept."
        )
    limit = logit_of(threshold)
    return Difference(
        name,
        wanted.shape[0],
        wanted.shape[2],
        wanted.shape[3],
        float(np.abs(wanted - found).max()),
        float(((wanted > limit) != (found > limit)).mean()),
    )


def compare(
    reference: Backend,
    exported: Backend,
    inputs: Sequence[ParityInput],
    *,
    threshold: float,
    tolerance: Tolerance,
    on_case: Callable[[int, int], None] | None = None,
) -> Parity:
    """Run every input through both. threshold: value of the map above which a mask pixel is set.

    The reference sees every tile alone, so that a file that mixes the tiles of a batch fails.
    """
    differences = []
    for index, case in enumerate(inputs):
        wanted = np.concatenate([reference(tile[None]) for tile in case.tiles])
        differences.append(difference(case.name, wanted, exported(case.tiles), threshold))
        if on_case is not None:
            on_case(index + 1, len(inputs))
    return Parity(tuple(differences), threshold, tolerance)


def require(parity: Parity, what: str) -> None:
    """Raise VerificationError unless the file passes the gate."""
    if parity.holds:
        return
    worst = max(parity.differences, key=lambda one: (not np.isfinite(one.logits), one.flipped, one.logits))
    limit = "" if parity.tolerance.logits is None else f" and logits within {parity.tolerance.logits:g}"
    raise VerificationError(
        f"{what} differs from PyTorch: largest logit difference {parity.logits:.3g}, {parity.flipped:.3%} of the "
        f"mask's pixels flipped (worst: {worst.case}, {worst.batch} x {worst.height} x {worst.width}). Expected at "
        f"most {parity.tolerance.flipped:.2%} flipped{limit}. No file was written. Try --precision fp32, or another "
        "--format."
    )
