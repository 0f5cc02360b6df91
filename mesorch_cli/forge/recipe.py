"""How forgeries are mixed, and the making of one."""

from dataclasses import dataclass

import numpy as np

from mesorch_cli.errors import UsageError
from mesorch_cli.forge.compositing import Pixels
from mesorch_cli.forge.copy_move import copy_move
from mesorch_cli.forge.history import SHORTEST_SIDE, jpeg, live_after, live_before
from mesorch_cli.forge.removal import removal
from mesorch_cli.forge.retouch import retouch
from mesorch_cli.forge.shapes import Mask
from mesorch_cli.forge.splice import splice

OPERATIONS = ("splice", "copy_move", "removal", "retouch", "authentic")
TRIES = 4


@dataclass(frozen=True)
class ForgeRecipe:
    """Shares of the operations (in the order of OPERATIONS) and the area of forged regions as shares of the photo."""

    shares: tuple[float, float, float, float, float] = (0.45, 0.2, 0.15, 0.1, 0.1)
    area_range: tuple[float, float] = (0.002, 0.45)

    def __post_init__(self) -> None:
        if min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-9:
            raise UsageError(f"Shares {self.shares} of {OPERATIONS}: expected none negative, summing to 1.")
        low, high = self.area_range
        if not 0 < low < high <= 0.6:
            raise UsageError(f"Areas {self.area_range}: expected two rising shares of the photo, at most 0.6.")


@dataclass(frozen=True)
class Donor:
    """A photo to take from: pixels (H, W, 3) uint8 RGB, and bool (H, W) where an object of it is known."""

    pixels: Pixels
    mask: Mask | None = None


@dataclass(frozen=True)
class Forgery:
    """A made photo: pixels (H, W, 3) uint8 RGB, mask bool (H, W) of the changed pixels, and what was done."""

    pixels: Pixels
    mask: Mask
    operation: str


def forge_photo(rng: np.random.Generator, host: Donor, donor: Donor, recipe: ForgeRecipe | None = None) -> Forgery:
    """Make one forged (or authentic) photo out of a host and, for splices, a donor; all chance comes from `rng`.

    Raises UsageError for a host smaller than 72 pixels a side.
    """
    recipe = recipe or ForgeRecipe()
    if min(host.pixels.shape[:2]) < SHORTEST_SIDE + 8:
        raise UsageError(f"A host of {host.pixels.shape[:2]} pixels: expected at least {SHORTEST_SIDE + 8} a side.")
    pixels = live_before(rng, host.pixels)
    operation = OPERATIONS[int(rng.choice(len(OPERATIONS), p=recipe.shares))]
    mask = np.zeros(pixels.shape[:2], bool)
    if operation != "authentic":
        made = _attempt(rng, operation, pixels, donor, recipe)
        if made is None:
            operation = "authentic"
        else:
            pixels, mask = made
    pixels, mask = live_after(rng, pixels, mask)
    return Forgery(np.ascontiguousarray(pixels), mask, operation)


def _attempt(
    rng: np.random.Generator, operation: str, pixels: Pixels, donor: Donor, recipe: ForgeRecipe
) -> tuple[Pixels, Mask] | None:
    """Try an operation until its region has about the wanted area; None if it never has."""
    areas = recipe.area_range
    given = donor.pixels
    if operation == "splice":
        # An object's mask lies on the donor's grid, so its life before must keep that grid.
        given = live_before(rng, given) if donor.mask is None else jpeg(rng, given, 55, 97)
    for _ in range(TRIES):
        if operation == "splice":
            made = splice(rng, pixels, given, donor.mask, areas)
        elif operation == "copy_move":
            made = copy_move(rng, pixels, areas)
        elif operation == "removal":
            made = removal(rng, pixels, areas)
        else:
            made = retouch(rng, pixels, areas)
        if made is not None and areas[0] / 4 < made[1].mean() < areas[1] * 1.6:
            return made
    return None
