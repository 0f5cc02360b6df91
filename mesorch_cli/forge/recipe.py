"""The mixture of forgeries, and how one is made."""

import copy
from dataclasses import dataclass, field

import numpy as np

from mesorch_cli.errors import UsageError
from mesorch_cli.forge.background import background
from mesorch_cli.forge.compositing import Change, touched_share
from mesorch_cli.forge.copy_move import copy_move
from mesorch_cli.forge.donors import Donor, Plane, mask_of, silhouette_of
from mesorch_cli.forge.history import live_after, live_before
from mesorch_cli.forge.in_place import in_place
from mesorch_cli.forge.life import SHORTEST_SIDE, Life
from mesorch_cli.forge.patch import Pixels, Step, chance
from mesorch_cli.forge.removal import removal
from mesorch_cli.forge.retouch import retouch
from mesorch_cli.forge.segments import segmented
from mesorch_cli.forge.shapes import Mask
from mesorch_cli.forge.splice import splice

__all__ = ["OPERATIONS", "Donor", "Draft", "ForgeRecipe", "Forgery", "draft_photo", "forge_photo", "forge_twins"]

OPERATIONS = ("splice", "copy_move", "removal", "retouch", "in_place", "background", "authentic")
FOREIGN = ("splice", "background")  # operations that use a donor
SMALLEST_AREA, LARGEST_AREA = 0.001, 0.9  # of a photo: a smaller one is invisible, a larger one makes another photo
SHORTEST_HOST = SHORTEST_SIDE + 8  # pixels; an earlier history may crop up to 7 off a side
TRIES = 6
LIVES = 4
REALLY_CHANGED = 0.4  # share of the mask that must differ from the previous photo
SLIGHTLY_CHANGED = 0.25  # share that must differ at all if the region is the photo's own
SEGMENTED_SHARE = {  # if no objects are known; in place finds its own regions
    "splice": 0.85,
    "copy_move": 0.8,
    "removal": 0.5,
    "retouch": 0.5,
    "in_place": 0.0,
    "background": 0.3,  # otherwise replaced on one side of a horizon
}
DONOR_WINDOW, HOST_WINDOW, SCENE_WINDOW = (
    (0.3, 0.95),
    (0.12, 0.6),
    (0.5, 0.95),
)  # shares of a photo's sides in which things are searched
SILHOUETTE_SHARE = 0.5  # of regions with the shape of the donor's object, if it has one


@dataclass(frozen=True)
class ForgeRecipe:
    """How forgeries are drawn.

    shares: of the operations, in the order of OPERATIONS. area_range: area of the forged regions as shares of the
    photo, within 0.001..0.9. large_share: how often a spliced object is large (a tenth of the photo or more). Raises
    UsageError for anything else.
    """

    shares: tuple[float, ...] = (0.18, 0.1, 0.08, 0.05, 0.34, 0.11, 0.14)
    area_range: tuple[float, float] = (SMALLEST_AREA, LARGEST_AREA)
    large_share: float = 0.25

    def __post_init__(self) -> None:
        if len(self.shares) != len(OPERATIONS) or not all(0 <= share <= 1 for share in self.shares):  # a NaN is neither
            raise UsageError(f"{self.shares} are no shares of {OPERATIONS}. Expected none negative, summing to 1.")
        if abs(sum(self.shares) - 1) > 1e-9:
            raise UsageError(f"{self.shares} are no shares of {OPERATIONS}. Expected none negative, summing to 1.")
        low, high = self.area_range
        if not SMALLEST_AREA <= low < high <= LARGEST_AREA:
            raise UsageError(
                f"The areas {self.area_range} are invalid. Expected two rising shares of the photo, at least "
                f"{SMALLEST_AREA} and at most {LARGEST_AREA}."
            )
        if not 0 <= self.large_share <= 1:
            raise UsageError(f"The share {self.large_share} of large objects is out of range. Expected 0 to 1.")


@dataclass(frozen=True)
class Forgery:
    """A finished photo: pixels (H, W, 3) uint8 RGB, mask bool (H, W) of the changed pixels, and what was done.

    wanted: the operation that was drawn. It differs from `operation` if it failed and the photo stayed authentic.
    host_history, donor_history, history: of host and donor before (empty without one), and of the result. encoded: the
    file with these pixels from the last step of the history, with its `suffix`; None if that step wrote none.
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


@dataclass(frozen=True)
class Draft:
    """A forgery before its last history: the host after its own history, and the change made to it.

    objects: known objects in the changed photo, bool (H, W), including pasted ones; None if none are known.
    """

    wanted: str
    operation: str
    before: Life
    given: Life | None
    change: Change
    objects: Mask | None


def forge_photo(rng: np.random.Generator, host: Donor, donor: Donor, recipe: ForgeRecipe | None = None) -> Forgery:
    """Make a forged (or authentic) photo from a host and, for splices, a donor. All randomness comes from `rng`.

    Known objects of the host are often copied, removed or retouched. The donor's objects are spliced, and their shapes
    serve the other operations, too. Raises UsageError for a host smaller than 72 pixels a side.
    """
    return _finished(rng, draft_photo(rng, host, donor, recipe))


def forge_twins(
    rng: np.random.Generator, host: Donor, donor: Donor, recipe: ForgeRecipe | None = None
) -> tuple[Forgery, Forgery]:
    """Make the photo of `forge_photo` and its twin: the same host without the change, with the same history.

    Both have the same size, and before the last history no pixel outside the mask differs. The twin's mask is empty.
    """
    draft = draft_photo(rng, host, donor, recipe)
    again = copy.deepcopy(rng)
    forgery = _finished(rng, draft)
    if draft.operation == "authentic":
        return forgery, forgery
    life, _ = _lived(again, Change(draft.before.pixels, draft.change.mask, {}))
    twin = Forgery(
        pixels=np.ascontiguousarray(life.pixels),
        mask=np.zeros(life.pixels.shape[:2], bool),
        operation="authentic",
        wanted=draft.wanted,
        host_history=tuple(draft.before.steps),
        history=tuple(life.steps),
        encoded=life.encoded,
        suffix=life.suffix,
    )
    return forgery, twin


def draft_photo(rng: np.random.Generator, host: Donor, donor: Donor, recipe: ForgeRecipe | None = None) -> Draft:
    """Give a host and, if needed, a donor their histories, and change the host. Raises as `forge_photo` does."""
    recipe = recipe or ForgeRecipe()
    if min(host.pixels.shape[:2]) < SHORTEST_HOST:
        raise UsageError(f"A host of {host.pixels.shape[:2]} is too small. Expected at least {SHORTEST_HOST} a side.")
    before = live_before(rng, host.pixels, host.plane)
    wanted = operation = OPERATIONS[int(rng.choice(len(OPERATIONS), p=recipe.shares))]
    given = live_before(rng, donor.pixels, donor.plane) if operation in FOREIGN else None
    change = None if operation == "authentic" else _attempt(rng, operation, before, donor, given, recipe)
    if change is None:
        operation, given = "authentic", None
        change = Change(before.pixels, np.zeros(before.pixels.shape[:2], bool), {})
    return Draft(wanted, operation, before, given, change, _objects(operation, before.plane, given, change))


def _objects(operation: str, plane: Plane | None, given: Life | None, change: Change) -> Mask | None:
    """Return the places of known objects after a change."""
    mask = change.mask
    own = None if plane is None else mask_of(plane)
    if operation == "splice" and given is not None and given.plane is not None:
        return mask if own is None else own | mask
    if own is None:
        return None
    if operation == "copy_move":
        return own | mask if "object" in change.parameters else own & ~mask
    return own & ~mask if operation in ("splice", "removal") else own


def _finished(rng: np.random.Generator, draft: Draft) -> Forgery:
    life, mask = _lived(rng, draft.change)
    return Forgery(
        pixels=np.ascontiguousarray(life.pixels),
        mask=mask,
        operation=draft.operation,
        wanted=draft.wanted,
        parameters=draft.change.parameters,
        host_history=tuple(draft.before.steps),
        donor_history=() if draft.given is None else tuple(draft.given.steps),
        history=tuple(life.steps),
        encoded=life.encoded,
        suffix=life.suffix,
    )


def _lived(rng: np.random.Generator, change: Change) -> tuple[Life, Mask]:
    """Give a photo its last history, again if it leaves too much or too little of the mask."""
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
    """Try an operation until its region has about the wanted area and really differs; None if all tries fail."""
    host, plane, areas = before.pixels, before.plane, recipe.area_range
    low, high = max(SMALLEST_AREA, areas[0] / 2), min(LARGEST_AREA, areas[1] * 1.4)
    for _ in range(TRIES):
        change = _changed(rng, operation, host, plane, donor, given, recipe)
        if change is None or not low <= change.mask.mean() <= high:
            continue
        if operation == "in_place":
            enough = touched_share(host, change, more_than=0) >= SLIGHTLY_CHANGED
        else:
            enough = touched_share(host, change) >= REALLY_CHANGED
        if enough:
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
    spliced = given is not None and operation == "splice"
    known, window = (given.plane, DONOR_WINDOW) if given is not None and spliced else (plane, HOST_WINDOW)
    found: Mask | None = None
    if known is None and chance(rng, SEGMENTED_SHARE[operation]):
        window = SCENE_WINDOW if operation == "background" else window
        known = found = segmented(rng, given.pixels if given is not None and spliced else host, window)
    if given is not None and spliced:
        change = splice(rng, host, given.pixels, known, areas, recipe.large_share)
    elif given is not None:
        change = background(rng, host, given.pixels, known)
    else:
        silhouette = silhouette_of(rng, donor.plane) if chance(rng, SILHOUETTE_SHARE) else None
        operate = {"copy_move": copy_move, "removal": removal, "retouch": retouch, "in_place": in_place}[operation]
        change = operate(rng, host, known, areas, silhouette)
    if change is None or found is None:
        return change
    return Change(change.pixels, change.mask, change.parameters | {"segmented": True})
