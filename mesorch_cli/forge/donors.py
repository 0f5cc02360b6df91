"""Donors: photos to take from, and the choice of one object if a photo's objects are known."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError
from mesorch_cli.forge.patch import Opacity, Patch, Pixels, Step, chance
from mesorch_cli.forge.shapes import Mask, window_of

Labels = NDArray[np.int32]
Plane = NDArray[np.bool_] | NDArray[np.int32] | NDArray[np.uint8]

FEWEST_PIXELS = 64  # least size of an object to take
LARGEST_OBJECT = 0.8  # share of its photo; a larger one is a scene, not an object
MOST_OBJECTS = 0.9  # share of a photo that all its objects fill; with more, it has no background
PARTS_SHARE = 0.6  # of draws from a label map that take one connected part; the others take a group of parts
MARGIN = 6  # pixels kept around an object
BORDER = 2  # pixels; an object this close to the border of its photo is cut off by it


@dataclass(frozen=True)
class Donor:
    """A photo: pixels (H, W, 3) uint8 RGB, and at most one plane (H, W) with the places of its objects.

    mask: bool, one object. labels: int32, 0 for the background and other numbers for objects or kinds of objects.
    alpha: uint8, the opacity of a cut-out. Raises UsageError for planes of another size and for more than one.
    """

    pixels: Pixels
    mask: Mask | None = None
    labels: Labels | None = None
    alpha: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        planes = [plane for plane in (self.mask, self.labels, self.alpha) if plane is not None]
        if len(planes) > 1:
            raise UsageError(f"A donor has {len(planes)} planes. Expected only a mask, labels or an alpha channel.")
        for plane in planes:
            if plane.shape != self.pixels.shape[:2]:
                raise UsageError(
                    f"A plane of {plane.shape[1]} x {plane.shape[0]} pixels for a donor of {self.pixels.shape[1]} x "
                    f"{self.pixels.shape[0]}: expected the same size."
                )

    @classmethod
    def with_plane(cls, pixels: Pixels, plane: Plane | None) -> "Donor":
        """Return a donor with a plane whose type says what it is: bool mask, int32 labels, uint8 alpha."""
        if plane is None:
            return cls(pixels)
        if plane.dtype == np.uint8:
            return cls(pixels, alpha=plane.astype(np.uint8, copy=False))
        if plane.dtype == np.bool_:
            return cls(pixels, mask=plane.astype(bool, copy=False))
        return cls(pixels, labels=plane.astype(np.int32, copy=False))

    @property
    def plane(self) -> Plane | None:
        """The only plane, whose type says what it is: bool mask, int32 labels, uint8 alpha. None without one."""
        for plane in (self.mask, self.labels, self.alpha):
            if plane is not None:
                return plane
        return None


def picked_object(rng: np.random.Generator, plane: Plane) -> tuple[Opacity, Step] | None:
    """Return the opacity (H, W) of one object of a plane and how it was chosen; None if there is no usable one.

    From a label map, mostly one connected part of a label is taken, otherwise all labelled parts that touch it: a
    sleeve, or the whole person.
    """
    if plane.dtype == np.uint8:
        opacity = plane.astype(np.float32) / np.float32(255)
        return (opacity, {"object": "alpha"}) if _worth(opacity > 0.5) else None
    if plane.dtype == np.bool_:
        return (plane.astype(np.float32), {"object": "mask"}) if _worth(plane.astype(bool)) else None
    present = [int(value) for value in np.unique(plane) if value != 0]
    order = [present[int(at)] for at in rng.permutation(len(present))]
    whole = not chance(rng, PARTS_SHARE)
    for label in order:
        part = _one_part(rng, np.asarray(plane == label))
        if part is None:
            continue
        if whole:
            numbered = cv2.connectedComponents((plane != 0).astype(np.uint8))[1]
            group = np.asarray(numbered == numbered[part][0])
            if _worth(group):
                return group.astype(np.float32), {"object": "labelled group", "label": label}
        if _worth(part):
            return part.astype(np.float32), {"object": "label", "label": label}
    return None


def mask_of(plane: Plane) -> Mask | None:
    """Return where a plane has objects, bool (H, W); None if that is almost nothing or almost everything."""
    mask = np.asarray(plane > 127 if plane.dtype == np.uint8 else plane != 0)
    return mask if FEWEST_PIXELS <= int(mask.sum()) <= MOST_OBJECTS * mask.size else None


def silhouette_of(rng: np.random.Generator, plane: Plane | None) -> Mask | None:
    """Return the outline of one object of a plane, filling its box; None if there is none."""
    picked = None if plane is None else picked_object(rng, plane)
    window = None if picked is None else window_of(picked[0] > 0.5)
    return None if picked is None or window is None else np.asarray(picked[0][window] > 0.5)


def cut_out(pixels: Pixels, opacity: Opacity) -> Patch | None:
    """Return an object as a patch, with some of its surroundings; None if there is nothing to cut."""
    window = window_of(opacity > 0.02, MARGIN)
    if window is None:
        return None
    inner = window_of(opacity > 0.5)
    if inner is None:
        return None
    height, width = opacity.shape
    cut = {
        "top": inner[0].start < BORDER,
        "bottom": inner[0].stop > height - BORDER,
        "left": inner[1].start < BORDER,
        "right": inner[1].stop > width - BORDER,
    }
    sides = frozenset(side for side, is_cut in cut.items() if is_cut)
    return Patch(np.ascontiguousarray(pixels[window]), np.ascontiguousarray(opacity[window]), sides)


def _worth(mask: Mask) -> bool:
    return FEWEST_PIXELS <= int(mask.sum()) <= LARGEST_OBJECT * mask.size


def _one_part(rng: np.random.Generator, mask: Mask) -> Mask | None:
    """Draw one connected part of a mask, larger parts more often; None if all are tiny."""
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    sizes = stats[1:count, cv2.CC_STAT_AREA].astype(np.float64)
    sizes[sizes < FEWEST_PIXELS] = 0
    if not sizes.any():
        return None
    return np.asarray(numbered == 1 + int(rng.choice(len(sizes), p=sizes / sizes.sum())))
