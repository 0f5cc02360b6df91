"""What an analysis can be asked for, and the resulting settings: the passport's defaults with the requested changes.

This file has no heavy import, as commands make their options from `Overrides` before anything is loaded.
"""

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from mesorch_cli.errors import UsageError

if TYPE_CHECKING:
    from mesorch_cli.network.passport import Passport
    from mesorch_cli.network.rules import (
        CopyRule,
        EdgeRule,
        FirstLookRule,
        GrainRule,
        HistoryRule,
        QuantisationRule,
        Scale,
        ScoreRule,
        ThresholdRule,
    )

Precision = Literal["fp32", "bf16", "fp16"]

MOST_SCALES = 8  # the bits of the coverage mask
MOST_TILES = 1024  # in one call of the network
MOST_WEIGHT = 1000.0  # of a scale beside the others
ADDED_LATER = {
    "added": "later"
}  # metadata of a setting that stays out of records while it is None: digests stay as they are


@dataclass(frozen=True)
class Help:
    """How a command presents an option: its help text, and the placeholder of its value."""

    text: str
    metavar: str | None = None


@dataclass(frozen=True)
class Overrides:
    """What an analysis is asked to do differently from its weights. None: as their passport says.

    A field replaces the field of the same name in `Settings`.
    """

    scales: Annotated[
        str | None,
        Help(
            "default, reference (one squash to the weights' input side, as published), or a comma list of whole, "
            "mirrored, native, tiles-LONG_SIDE. (default: from the weights)",
            "LIST",
        ),
    ] = None
    overlap: Annotated[float | None, Help("Overlap of neighbouring tiles as a share of their side, 0 to 0.75.")] = None
    precision: Annotated[Precision | None, Help("Arithmetic of the network.")] = None
    threshold: Annotated[
        float | None,
        Help("Value of the map above which a pixel counts as manipulated, 0 to 1, the same for all photos."),
    ] = None
    tile_batch: Annotated[int | None, Help("Tiles per call of the network; lower it if memory is short.")] = None
    first_look: Annotated[
        bool | None,
        Help(
            "Look at the whole photo first, and leave out tiles without detail where nothing was seen. "
            "(default: if the weights have a rule for it)"
        ),
    ] = None
    edges: Annotated[
        bool | None,
        Help(
            "Move the edges of the map to edges of the photo, once the score is taken. "
            "(default: if the weights have a rule for it)"
        ),
    ] = None
    copies: Annotated[
        bool | None,
        Help("Search for parts of the photo that match other parts. (default: if the weights have a rule for it)"),
    ] = None
    quantisation: Annotated[
        bool | None,
        Help(
            "Search a JPEG for parts that were compressed once while the rest was compressed twice. "
            "(default: if the weights have a rule for it)"
        ),
    ] = None
    history: Annotated[
        bool | None,
        Help(
            "Search a JPEG for blocks whose compression differs from the rest of the photo. "
            "(default: if the weights have a rule for it)"
        ),
    ] = None
    grain: Annotated[
        bool | None,
        Help(
            "Search for blocks whose finest detail differs from the rest of the photo. "
            "(default: if the weights have a rule for it)"
        ),
    ] = None

    @property
    def given(self) -> dict[str, Any]:
        """Return the given values by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


AS_THE_WEIGHTS_SAY = Overrides()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a result depends on besides the photo, the weights and the machine, in the record's order.

    side: of the square network inputs, in pixels. scales: at which the photo is analysed, coarse to fine. overlap: of
    neighbouring tiles, share of a side. reference: the published method, one squash and the sigmoid before the resize;
    requires `whole` as the only scale. tile_batch: tiles per call of the network, None for what suits the backend. It
    can change the last bits of a result, so it is recorded. smallest_photo_side: in pixels; smaller photos are not
    analysed. copies: how copies within the photo are judged, None not to search for them, as in the reference analysis.
    quantisation: when double quantisation is believed, None not to search for it, as in the reference analysis.
    history: how the compression history changes the map, None not to look at it, as in the reference analysis.
    grain: how the finest detail changes the map, None not to look at it, as in the reference analysis.
    photo_threshold: sets the threshold of the map for each photo, None: it is `threshold` for all. With the verdict no
    evidence, only regions above `threshold` are listed. first_look: which tiles are left out, None: none. edges: how the
    map's edges are moved once the score is taken, None: not at all, as in the reference analysis.
    """

    side: int
    scales: "tuple[Scale, ...]"
    reference: bool = False
    overlap: float
    precision: Precision
    first_look: "FirstLookRule | None" = field(default=None, metadata=ADDED_LATER)
    edges: "EdgeRule | None" = field(default=None, metadata=ADDED_LATER)
    copies: "CopyRule | None" = None
    quantisation: "QuantisationRule | None" = None
    history: "HistoryRule | None" = field(default=None, metadata=ADDED_LATER)
    grain: "GrainRule | None" = field(default=None, metadata=ADDED_LATER)
    threshold: float
    photo_threshold: "ThresholdRule | None" = None
    score: "ScoreRule"
    smallest_photo_side: int = 1
    tile_batch: int | None = None

    def __post_init__(self) -> None:
        from mesorch_cli.inference.tiling import Plan
        from mesorch_cli.network.rules import LARGEST_SIDE

        if self.side > LARGEST_SIDE:
            raise UsageError(f"A side of {self.side} pixels is too large. Expected at most {LARGEST_SIDE}.")
        Plan(self.side, self.side, self.side, self.overlap)  # refuses invalid sides and overlaps
        if not 1 <= len(self.scales) <= MOST_SCALES:
            raise UsageError(f"There are {len(self.scales)} scales. Expected 1 to {MOST_SCALES}.")
        if self.reference:
            self._require_nothing_else()
        if not 0.0 <= self.threshold <= 1.0:
            raise UsageError(f"A threshold of {self.threshold} is out of range. Expected 0 to 1.")
        if self.tile_batch is not None and not 1 <= self.tile_batch <= MOST_TILES:
            raise UsageError(f"A batch of {self.tile_batch} tiles is out of range. Expected 1 to {MOST_TILES}.")
        for scale in self.scales:
            if not (math.isfinite(scale.weight) and 0.0 < scale.weight <= MOST_WEIGHT):
                raise UsageError(
                    f"The scale {scale.name} has the weight {scale.weight}. Expected above 0, at most {MOST_WEIGHT:g}."
                )

    def _require_nothing_else(self) -> None:
        """Raise UsageError if the reference analysis is asked for anything that was not published with it."""
        if [scale.kind for scale in self.scales] != ["whole"] or self.scales[0].weight != 1.0:
            raise UsageError("The reference analysis uses only the whole image. Give no other scales.")
        for name in _ruled():
            if getattr(self, name) is not None:
                option = name.replace("_", "-")
                raise UsageError(f"The reference analysis uses only the network. Leave --{option} out.")

    @classmethod
    def from_passport(cls, passport: "Passport", overrides: Overrides = AS_THE_WEIGHTS_SAY) -> Self:
        """Return the passport's settings, replaced by the values in the overrides.

        Without its switch, a witness looks if the passport has a rule for it and the analysis is not the reference; so
        do the first look and the edges. Raises UsageError for what is asked for without a rule, and for values out of range.
        """
        asked = overrides.given
        named = asked.pop("scales", "default")
        reference = named == "reference"
        scales = passport.inference.scales
        if named != "default":
            scales = parse_scales("whole", ()) if reference else parse_scales(named, scales)
        for name in _ruled():
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


def _ruled() -> list[str]:
    """Return the names of what the passport may have a rule for: also the names of those settings and options."""
    from mesorch_cli.inference.witnesses.registry import WITNESSES

    return ["first_look", "edges", *(witness.name for witness in WITNESSES)]


def _rule_of(passport: "Passport", name: str, wanted: bool | None) -> Any:
    """Return the passport's rule of this name; None if it is unwanted, or missing and not requested."""
    rule = getattr(passport.inference, name)
    if wanted and rule is None:
        option = name.replace("_", "-")
        raise UsageError(
            f"The weights {passport.name!r} have no rule for --{option}. Expected weights with one, such as "
            f"mesorch-s: leave --{option} out."
        )
    return None if wanted is False else rule


def parse_scales(text: str, known: "tuple[Scale, ...]") -> "tuple[Scale, ...]":
    """Return the scales in a comma list. One that the passport has keeps its weight, others get 1."""
    from mesorch_cli.network.rules import Scale

    weights = {scale.name: scale.weight for scale in known}
    scales: list[Scale] = []
    for name in text.split(","):
        found = re.fullmatch(r"whole|mirrored|native|tiles-([1-9]\d{1,5})", name.strip())
        if found is None:
            raise UsageError(
                f"Unknown scale {name.strip()!r}. Expected default, reference, or a comma list of whole, mirrored, "
                "native and tiles-LONG_SIDE such as tiles-1024."
            )
        weight = weights.get(found[0], 1.0)
        if found[0] in ("whole", "mirrored"):
            scales.append(Scale.model_validate({"kind": found[0], "weight": weight}))
        else:
            scales.append(Scale(kind="tiles", long_side=int(found[1] or 0), weight=weight))
    if len({scale.name for scale in scales}) != len(scales):
        raise UsageError(f"A scale is named twice in {text!r}. Name each only once.")
    return tuple(scales)
