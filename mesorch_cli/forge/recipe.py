"""How forgeries are mixed, and the making of one."""

from dataclasses import dataclass, field

import numpy as np

from mesorch_cli.errors import UsageError
from mesorch_cli.forge.compositing import Change, touched_share
from mesorch_cli.forge.copy_move import copy_move
from mesorch_cli.forge.donors import Donor, Plane, silhouette_of
from mesorch_cli.forge.history import live_after, live_before
from mesorch_cli.forge.life import SHORTEST_SIDE, Life
from mesorch_cli.forge.patch import Pixels, Step, chance
from mesorch_cli.forge.removal import removal
from mesorch_cli.forge.retouch import retouch
from mesorch_cli.forge.segments import segmented
from mesorch_cli.forge.shapes import Mask
from mesorch_cli.forge.splice import splice

__all__ = ["OPERATIONS", "Donor", "ForgeRecipe", "Forgery", "forge_photo"]

OPERATIONS = ("splice", "copy_move", "removal", "retouch", "authentic")
SMALLEST_AREA, LARGEST_AREA = 0.001, 0.6  # of a photo: smaller is not seen, larger is another photo
TRIES = 6
LIVES = 4
REALLY_CHANGED = 0.4  # share of the mask that must differ from the photo before
SEGMENTED_SHARE = {"splice": 0.85, "copy_move": 0.8, "removal": 0.5, "retouch": 0.5}  # where no objects are known
DONOR_WINDOW, HOST_WINDOW = (0.3, 0.95), (0.12, 0.6)  # shares of a photo's sides in which things are searched
SILHOUETTE_SHARE = 0.5  # of regions that get the shape of the donor's object where it has one


@dataclass(frozen=True)
class ForgeRecipe:
    """How forgeries are drawn.

    shares: of the operations, in the order of OPERATIONS. area_range: area of the forged regions as shares of the photo,
    within 0.001..0.6. large_share: how often a spliced object is drawn large (a tenth of the photo and more).
    Raises UsageError for anything else.
    """

    shares: tuple[float, float, float, float, float] = (0.45, 0.2, 0.15, 0.1, 0.1)
    area_range: tuple[float, float] = (SMALLEST_AREA, LARGEST_AREA)
    large_share: float = 0.25

    def __post_init__(self) -> None:
        if len(self.shares) != len(OPERATIONS) or min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-9:
            raise UsageError(f"Shares {self.shares} of {OPERATIONS}: expected none negative, summing to 1.")
        low, high = self.area_range
        if not SMALLEST_AREA <= low < high <= LARGEST_AREA:
            raise UsageError(
                f"Areas {self.area_range}: expected two rising shares of the photo, at least {SMALLEST_AREA} and at most "
                f"{LARGEST_AREA}."
            )
        if not 0 <= self.large_share <= 1:
            raise UsageError(f"Share {self.large_share} of large objects: expected 0 to 1.")


@dataclass(frozen=True)
class Forgery:
    """A made photo: pixels (H, W, 3) uint8 RGB, mask bool (H, W) of the changed pixels, and what was done.

    wanted: the operation that was drawn; it is not `operation` where it did not come out and the photo stayed authentic.
    host_history, donor_history, history: the lives before of host and donor (empty where none took part) and the life
    after. encoded: the file that the last step of the life wrote, whose pixels these are, with its `suffix`; None where
    the last step wrote none.
    """

    pixels: Pixels
    mask: Mask
    operation: str
    wanted: str = ""
    parameters: Step = field(default_factory=dict)
    host_history: tuple[Step, ...] = ()
    donor_history: tuple[Step, ...] = ()
    history: tuple[Step, ...] = ()
    encoded: bytes | None = None
    suffix: str = "png"


def forge_photo(rng: np.random.Generator, host: Donor, donor: Donor, recipe: ForgeRecipe | None = None) -> Forgery:
    """Make one forged (or authentic) photo out of a host and, for splices, a donor; all chance comes from `rng`.

    Where objects of the host are known, they are what is copied, removed or retouched. The donor's objects are what is
    spliced, and their shapes serve the other operations too. Raises UsageError for a host smaller than 72 pixels a side.
    """
    recipe = recipe or ForgeRecipe()
    if min(host.pixels.shape[:2]) < SHORTEST_SIDE + 8:
        raise UsageError(f"A host of {host.pixels.shape[:2]} pixels: expected at least {SHORTEST_SIDE + 8} a side.")
    before = live_before(rng, host.pixels, host.plane)
    wanted = operation = OPERATIONS[int(rng.choice(len(OPERATIONS), p=recipe.shares))]
    given = live_before(rng, donor.pixels, donor.plane) if operation == "splice" else None
    change = None if operation == "authentic" else _attempt(rng, operation, before, donor, given, recipe)
    if change is None:
        operation, given = "authentic", None
        change = Change(before.pixels, np.zeros(before.pixels.shape[:2], bool), {})
    life, mask = _lived(rng, change)
    return Forgery(
        pixels=np.ascontiguousarray(life.pixels),
        mask=mask,
        operation=operation,
        wanted=wanted,
        parameters=change.parameters,
        host_history=tuple(before.steps),
        donor_history=() if given is None else tuple(given.steps),
        history=tuple(life.steps),
        encoded=life.encoded,
        suffix=life.suffix,
    )


def _lived(rng: np.random.Generator, change: Change) -> tuple[Life, Mask]:
    """Let a photo live on; a life that leaves too much or too little of its mask is lived again."""
    for _ in range(LIVES):
        life, mask = live_after(rng, change.pixels, change.mask)
        if not change.mask.any() or SMALLEST_AREA <= mask.mean() <= LARGEST_AREA:
            return life, mask
    life = Life(rng, change.pixels, change.mask)
    life.jpeg(75, 98)
    return life, change.mask


def _attempt(
    rng: np.random.Generator, operation: str, before: Life, donor: Donor, given: Life | None, recipe: ForgeRecipe
) -> Change | None:
    """Try an operation until its region has about the wanted area and really differs; None if it never has."""
    host, plane, areas = before.pixels, before.plane, recipe.area_range
    low, high = max(SMALLEST_AREA, areas[0] / 2), min(LARGEST_AREA, areas[1] * 1.4)
    for _ in range(TRIES):
        change = _changed(rng, operation, host, plane, donor, given, recipe)
        if change is not None and low <= change.mask.mean() <= high and touched_share(host, change) >= REALLY_CHANGED:
            return change
    return None


def _changed(
    rng: np.random.Generator,
    operation: str,
    host: Pixels,
    plane: Plane | None,
    donor: Donor,
    given: Life | None,
    recipe: ForgeRecipe,
) -> Change | None:
    areas = recipe.area_range
    known, window = (plane, HOST_WINDOW) if given is None else (given.plane, DONOR_WINDOW)
    found: Mask | None = None
    if known is None and chance(rng, SEGMENTED_SHARE[operation]):
        known = found = segmented(rng, host if given is None else given.pixels, window)
    if given is not None:
        change = splice(rng, host, given.pixels, known, areas, recipe.large_share)
    else:
        silhouette = silhouette_of(rng, donor.plane) if chance(rng, SILHOUETTE_SHARE) else None
        operate = {"copy_move": copy_move, "removal": removal, "retouch": retouch}[operation]
        change = operate(rng, host, known, areas, silhouette)
    if change is None or found is None:
        return change
    return Change(change.pixels, change.mask, change.parameters | {"segmented": True})
