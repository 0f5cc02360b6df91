"""What a record says was found: score, verdict, regions, findings, and the rates and the domain beside them."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mesorch_cli.inference.domain import Measure
from mesorch_cli.inference.rates import Truth
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.network.rules import Share


class Part(BaseModel):
    """A part of a record. It cannot be changed, and refuses unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BoxPart(Part):
    """A rectangle of pixels."""

    x: int
    y: int
    width: int
    height: int


class RegionPart(Part):
    """A connected region above the threshold, in pixels of the stored raster.

    upright: its rectangle in the picture as a viewer shows it, turned as the file's orientation requests.
    """

    x: int
    y: int
    width: int
    height: int
    area_px: int
    share: Share
    centroid_x: float
    centroid_y: float
    mean: Share
    peak: Share
    upright: BoxPart | None = None


class PlacePart(Part):
    """A place in a finding, in pixels of the stored raster. upright: in the picture as a viewer shows it."""

    role: str
    x: int
    y: int
    width: int
    height: int
    upright: BoxPart | None


Coordinate = Annotated[float, Field(allow_inf_nan=False)]


class OutlinePart(Part):
    """An outline of a place: its corners in turn, each as x and y, closed, without holes."""

    role: str
    corners: Annotated[list[int], Field(min_length=6)]

    @model_validator(mode="after")
    def _of_pairs(self) -> Self:
        if len(self.corners) % 2:
            raise ValueError(f"an outline has {len(self.corners)} numbers; expected x and y for every corner")
        return self


class GeometryPart(Part):
    """The exact shape of a finding, in pixels of the stored raster. The upper left corner of the raster is (0, 0).

    outlines: of the places by their role; a place in several parts has several. links: points that belong together, x and y
    in the first place and x and y in the second; a selection that is spread over the places. tolerance: pixels by which
    the outlines may deviate from the places.
    """

    outlines: list[OutlinePart]
    links: list[tuple[Coordinate, Coordinate, Coordinate, Coordinate]]
    tolerance: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class FindingPart(Part):
    """A finding of a witness besides the network. The map includes it.

    certainty: of the witness; the score counts it for copies. places: by their role in the finding; none if it is about
    the whole photo. measures: the measurements. copies: two places, `part`, probably pasted, and `counterpart`; see
    docs/copies.md. quantisation: see docs/quantisation.md. geometry: null where the witness has none, and in records of
    older versions.
    """

    witness: str
    certainty: Share
    places: list[PlacePart]
    measures: dict[str, int | Annotated[float, Field(allow_inf_nan=False)]]
    geometry: GeometryPart | None = None


class RatioPart(Part):
    """How much more probable the score is for a tampered photo than for an authentic one, with bounds from the data."""

    value: Annotated[float, Field(gt=0.0)]
    log10: float
    lowest: Annotated[float, Field(gt=0.0)]
    highest: Annotated[float, Field(gt=0.0)]


class CalibrationPart(Part):
    """The photos on which probability and likelihood ratio are based. The probability is for even prior odds."""

    fitted_on: str
    authentic: int | None
    tampered: int | None


class RatePart(Part):
    """How often photos of known truth were given this verdict, or one that says more: `called` of `photos`.

    set: which photos. verdicts: those that were counted. lowest, highest: exact 95 % bounds of the rate (Clopper-Pearson).
    """

    set: str
    truth: Truth
    verdicts: list[Verdict]
    called: Annotated[int, Field(ge=0)]
    photos: Annotated[int, Field(ge=1)]
    lowest: Share
    highest: Share


class DeviationPart(Part):
    """One way in which the photo lies outside of a measured set.

    measure: of the photo's file, with its value. lowest, highest: between them lie 98 % of the set's photos. known: the
    kinds that the set has, for a measure that is no number.
    """

    measure: Measure
    value: int | Annotated[float, Field(allow_inf_nan=False)] | str
    lowest: Annotated[float, Field(allow_inf_nan=False)] | None = None
    highest: Annotated[float, Field(allow_inf_nan=False)] | None = None
    known: list[str] = []


class DomainPart(Part):
    """Whether the photo lies within a set of `photos` photos on which rates were measured. outside: nothing if it does."""

    set: str
    photos: Annotated[int, Field(ge=1)]
    outside: list[DeviationPart]


class ResultPart(Part):
    """score: raw image score. probability: the calibrated one, or null. threshold: of the map. rates: of the verdict, as
    measured with these weights and settings; none if they were not measured, or if an earlier version wrote the record.
    domain: whether the photo is like those of each set of these rates that the passport describes; none if it describes none.
    """

    score: Share | None
    pooling: str
    probability: Share | None
    threshold: Share
    verdict: Verdict
    reason: str | None
    regions: list[RegionPart]
    flags: list[str]
    findings: list[FindingPart]
    likelihood_ratio: RatioPart | None = None
    calibration: CalibrationPart | None = None
    rates: list[RatePart] = []
    domain: list[DomainPart] = []
