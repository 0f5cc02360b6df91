"""What the engine does with a photo: the passport's defaults, changed where the user asked for it."""

import math
import re
from dataclasses import dataclass, replace
from typing import Self

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.backends.protocol import Precision
from mesorch_cli.inference.tiling import Plan
from mesorch_cli.network.passport import (
    LARGEST_SIDE,
    CopyRule,
    Level,
    Passport,
    QuantisationRule,
    ScoreRule,
    ThresholdRule,
)

MOST_LEVELS = 8  # the bits of the coverage mask
MOST_TILES = 1024  # in one call of the network
MOST_WEIGHT = 1000.0  # of a level beside the others
WHOLE = Level(kind="whole")


@dataclass(frozen=True)
class Settings:
    """Everything that a result depends on beside the photo, the weights and the machine.

    side: of the square network inputs, in pixels. overlap: of neighbouring tiles, share of a side.
    reference: the published way, one squash and the sigmoid before the resize; needs the level `whole` alone.
    tile_batch: tiles per call of the network, None for what suits the backend; it can move the last bits of a result, so
    it belongs to the record.
    smallest_photo_side: in pixels; smaller photos are not analysed.
    copies: how copies within the photo are judged, None to leave them alone; the reference analysis knows none.
    quantisation: when double quantisation is believed, None to leave it alone; the reference analysis does not look for it.
    photo_threshold: sets the threshold of the map by photo, None: it is `pixel_threshold` for all. What is called no
    evidence is listed as regions above `pixel_threshold` only.
    """

    side: int
    levels: tuple[Level, ...]
    overlap: float
    precision: Precision
    pixel_threshold: float
    score: ScoreRule
    smallest_photo_side: int = 1
    reference: bool = False
    tile_batch: int | None = None
    copies: CopyRule | None = None
    quantisation: QuantisationRule | None = None
    photo_threshold: ThresholdRule | None = None

    def __post_init__(self) -> None:
        if self.side > LARGEST_SIDE:
            raise UsageError(f"A side of {self.side} pixels: expected at most {LARGEST_SIDE}.")
        Plan(self.side, self.side, self.side, self.overlap)  # refuses sides and overlaps that are none
        if not 1 <= len(self.levels) <= MOST_LEVELS:
            raise UsageError(f"{len(self.levels)} levels: expected 1 to {MOST_LEVELS}.")
        if self.reference and self.levels != (WHOLE,):
            raise UsageError("The reference analysis is the whole image alone; give no other scales beside it.")
        if self.reference and self.copies is not None:
            raise UsageError("The reference analysis searches no copies; leave --copies out.")
        if self.reference and self.quantisation is not None:
            raise UsageError("The reference analysis reads no coefficients; leave --quantisation out.")
        if not 0.0 <= self.pixel_threshold <= 1.0:
            raise UsageError(f"A threshold of {self.pixel_threshold}: expected a probability, 0 to 1.")
        if self.tile_batch is not None and not 1 <= self.tile_batch <= MOST_TILES:
            raise UsageError(f"A batch of {self.tile_batch} tiles: expected 1 to {MOST_TILES}.")
        for level in self.levels:
            if not (math.isfinite(level.weight) and 0.0 < level.weight <= MOST_WEIGHT):
                raise UsageError(
                    f"The scale {level.name} weighs {level.weight}: expected above 0, at most {MOST_WEIGHT:g}."
                )

    @classmethod
    def from_passport(
        cls,
        passport: Passport,
        *,
        scales: str | None = None,
        overlap: float | None = None,
        precision: Precision | None = None,
        pixel_threshold: float | None = None,
        tile_batch: int | None = None,
        copies: bool | None = None,
        quantisation: bool | None = None,
    ) -> Self:
        """Return the passport's settings, each replaced where a value is given.

        copies: whether copies within the photo are searched; None: where the passport says how. Raises UsageError if they
        are wanted and it does not. quantisation: the same of double quantisation in a JPEG.
        scales: `default`, `reference`, or names joined by commas out of `whole`, `mirrored`, `native` and `tiles-LONG_SIDE`.
        """
        rule = passport.inference
        settings = cls(
            side=passport.input.side,
            levels=rule.levels,
            overlap=rule.overlap if overlap is None else overlap,
            precision=precision or rule.precision,
            pixel_threshold=passport.pixel_threshold if pixel_threshold is None else pixel_threshold,
            photo_threshold=passport.photo_threshold if pixel_threshold is None else None,
            score=passport.score,
            smallest_photo_side=passport.input.smallest_photo_side,
        )
        if tile_batch is not None:
            settings = replace(settings, tile_batch=tile_batch)
        if copies and rule.copies is None:
            raise UsageError(
                f"The weights {passport.name!r} do not say how copies are judged; expected weights that do, such as "
                "mesorch-s. Leave --copies out."
            )
        if quantisation and rule.quantisation is None:
            raise UsageError(
                f"The weights {passport.name!r} do not say when double quantisation is believed; expected weights that do, "
                "such as mesorch-s. Leave --quantisation out."
            )
        if scales == "reference":
            return replace(
                settings,
                levels=(WHOLE,),
                reference=True,
                copies=rule.copies if copies else None,
                quantisation=rule.quantisation if quantisation else None,
            )
        if copies is not False:
            settings = replace(settings, copies=rule.copies)
        if quantisation is not False:
            settings = replace(settings, quantisation=rule.quantisation)
        if scales in (None, "default"):
            return settings
        return replace(settings, levels=parse_levels(str(scales), rule.levels))


def parse_levels(text: str, known: tuple[Level, ...]) -> tuple[Level, ...]:
    """Return the levels that a comma list names; one that the passport knows keeps its weight, others weigh 1."""
    weights = {level.name: level.weight for level in known}
    levels: list[Level] = []
    for name in text.split(","):
        found = re.fullmatch(r"whole|mirrored|native|tiles-([1-9]\d{1,5})", name.strip())
        if found is None:
            raise UsageError(
                f"Unknown scale {name.strip()!r}; expected default, reference, or a comma list of whole, mirrored, "
                "native and tiles-LONG_SIDE such as tiles-1024."
            )
        weight = weights.get(found[0], 1.0)
        if found[0] in ("whole", "mirrored"):
            levels.append(Level.model_validate({"kind": found[0], "weight": weight}))
        else:
            levels.append(Level(kind="tiles", long_side=int(found[1] or 0), weight=weight))
    if len({level.name for level in levels}) != len(levels):
        raise UsageError(f"A scale is named twice in {text!r}; expected each only once.")
    return tuple(levels)
