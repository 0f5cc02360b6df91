"""What an analysis can be asked for, and the settings that come of it: the passport's defaults, changed as asked.

This file has no heavy import: commands make their options of `Overrides` before anything is loaded.
"""

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from mesorch_cli.errors import UsageError

if TYPE_CHECKING:
    from mesorch_cli.network.passport import CopyRule, Passport, QuantisationRule, Scale, ScoreRule, ThresholdRule

Precision = Literal["fp32", "bf16", "fp16"]

MOST_SCALES = 8  # the bits of the coverage mask
MOST_TILES = 1024  # in one call of the network
MOST_WEIGHT = 1000.0  # of a scale beside the others
ADDED_LATER = {
    "added": "later"
}  # metadata of a setting that stays out of records while it is None: digests stay as they are


@dataclass(frozen=True)
class Help:
    """How a command presents an option: what it is for, and what stands for its value."""

    text: str
    metavar: str | None = None


@dataclass(frozen=True)
class Overrides:
    """What an analysis is asked to do otherwise than its weights say. None: as their passport says.

    A field that `Settings` has by the same name replaces it there.
    """

    scales: Annotated[
        str | None,
        Help(
            "default (from the weights), reference (one squash to the weights' input side, as published), or a comma list "
            "of whole, mirrored, native, tiles-LONG_SIDE.",
            "LIST",
        ),
    ] = None
    overlap: Annotated[float | None, Help("Overlap of neighbouring tiles, share of a side, 0 to 0.75.")] = None
    precision: Annotated[Precision | None, Help("Arithmetic.")] = None
    threshold: Annotated[
        float | None,
        Help("Probability above which a pixel counts as manipulated, 0 to 1, the same for all photos."),
    ] = None
    tile_batch: Annotated[int | None, Help("Tiles per call of the network; lower it if memory is short.")] = None
    copies: Annotated[
        bool | None,
        Help("Search parts of the photo that equal other parts. (default: if the weights say how)"),
    ] = None
    quantisation: Annotated[
        bool | None,
        Help(
            "Look in a JPEG for parts that were compressed once where the rest was compressed twice. "
            "(default: if the weights say how)"
        ),
    ] = None

    @property
    def given(self) -> dict[str, Any]:
        """Return what is asked for, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


AS_THE_WEIGHTS_SAY = Overrides()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a result depends on beside the photo, the weights and the machine, in the order of the record.

    side: of the square network inputs, in pixels. scales: at which the photo is analysed, coarse to fine. overlap: of
    neighbouring tiles, share of a side.
    reference: the published way, one squash and the sigmoid before the resize; needs the scale `whole` alone.
    tile_batch: tiles per call of the network, None for what suits the backend; it can move the last bits of a result, so
    it belongs to the record.
    smallest_photo_side: in pixels; smaller photos are not analysed.
    copies: how copies within the photo are judged, None to leave them alone; the reference analysis knows none.
    quantisation: when double quantisation is believed, None to leave it alone; the reference analysis does not look for it.
    photo_threshold: sets the threshold of the map by photo, None: it is `threshold` for all. What is called no
    evidence is listed as regions above `threshold` only.
    """

    side: int
    scales: "tuple[Scale, ...]"
    reference: bool = False
    overlap: float
    precision: Precision
    copies: "CopyRule | None" = None
    quantisation: "QuantisationRule | None" = None
    threshold: float
    photo_threshold: "ThresholdRule | None" = None
    score: "ScoreRule"
    smallest_photo_side: int = 1
    tile_batch: int | None = None

    def __post_init__(self) -> None:
        from mesorch_cli.inference.tiling import Plan
        from mesorch_cli.network.passport import LARGEST_SIDE

        if self.side > LARGEST_SIDE:
            raise UsageError(f"A side of {self.side} pixels: expected at most {LARGEST_SIDE}.")
        Plan(self.side, self.side, self.side, self.overlap)  # refuses sides and overlaps that are none
        if not 1 <= len(self.scales) <= MOST_SCALES:
            raise UsageError(f"{len(self.scales)} scales: expected 1 to {MOST_SCALES}.")
        if self.reference:
            self._require_nothing_else()
        if not 0.0 <= self.threshold <= 1.0:
            raise UsageError(f"A threshold of {self.threshold}: expected a probability, 0 to 1.")
        if self.tile_batch is not None and not 1 <= self.tile_batch <= MOST_TILES:
            raise UsageError(f"A batch of {self.tile_batch} tiles: expected 1 to {MOST_TILES}.")
        for scale in self.scales:
            if not (math.isfinite(scale.weight) and 0.0 < scale.weight <= MOST_WEIGHT):
                raise UsageError(
                    f"The scale {scale.name} weighs {scale.weight}: expected above 0, at most {MOST_WEIGHT:g}."
                )

    def _require_nothing_else(self) -> None:
        """Raise UsageError where something is asked of the reference analysis that was not published with it."""
        if [scale.kind for scale in self.scales] != ["whole"] or self.scales[0].weight != 1.0:
            raise UsageError("The reference analysis is the whole image alone; give no other scales beside it.")
        for name in _witnesses():
            if getattr(self, name) is not None:
                raise UsageError(f"The reference analysis is the network alone; leave --{name} out.")

    @classmethod
    def from_passport(cls, passport: "Passport", overrides: Overrides = AS_THE_WEIGHTS_SAY) -> Self:
        """Return the passport's settings, each replaced where the overrides name a value.

        A witness whose switch is not given looks where the passport has a rule for it, and the analysis is not the
        reference. Raises UsageError for a witness that is asked for and has no rule, and for values out of range.
        """
        asked = overrides.given
        named = asked.pop("scales", "default")
        reference = named == "reference"
        scales = passport.inference.scales
        if named != "default":
            scales = parse_scales("whole", ()) if reference else parse_scales(named, scales)
        for name in _witnesses():
            asked[name] = _rule_of(passport, name, asked.get(name, False if reference else None))
        settings = cls(
            side=passport.input.side,
            scales=scales,
            overlap=passport.inference.overlap,
            precision=passport.inference.precision,
            threshold=passport.threshold,
            photo_threshold=None if "threshold" in asked else passport.photo_threshold,
            score=passport.score,
            smallest_photo_side=passport.input.smallest_photo_side,
            reference=reference,
        )
        return replace(settings, **asked)


def _witnesses() -> list[str]:
    """Return the names of all witnesses: of their rules, in the passport and here, and of the options that ask for them."""
    from mesorch_cli.inference.witnesses.registry import WITNESSES

    return [witness.name for witness in WITNESSES]


def _rule_of(passport: "Passport", witness: str, wanted: bool | None) -> Any:
    """Return the passport's rule for a witness, None where it is not wanted, or there is none and nobody asked."""
    rule = getattr(passport.inference, witness)
    if wanted and rule is None:
        raise UsageError(
            f"The weights {passport.name!r} have no rule for --{witness}; expected weights that have one, such as "
            f"mesorch-s. Leave --{witness} out."
        )
    return None if wanted is False else rule


def parse_scales(text: str, known: "tuple[Scale, ...]") -> "tuple[Scale, ...]":
    """Return the scales that a comma list names; one that the passport knows keeps its weight, others weigh 1."""
    from mesorch_cli.network.passport import Scale

    weights = {scale.name: scale.weight for scale in known}
    scales: list[Scale] = []
    for name in text.split(","):
        found = re.fullmatch(r"whole|mirrored|native|tiles-([1-9]\d{1,5})", name.strip())
        if found is None:
            raise UsageError(
                f"Unknown scale {name.strip()!r}; expected default, reference, or a comma list of whole, mirrored, "
                "native and tiles-LONG_SIDE such as tiles-1024."
            )
        weight = weights.get(found[0], 1.0)
        if found[0] in ("whole", "mirrored"):
            scales.append(Scale.model_validate({"kind": found[0], "weight": weight}))
        else:
            scales.append(Scale(kind="tiles", long_side=int(found[1] or 0), weight=weight))
    if len({scale.name for scale in scales}) != len(scales):
        raise UsageError(f"A scale is named twice in {text!r}; expected each only once.")
    return tuple(scales)
