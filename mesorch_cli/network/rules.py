"""The rules in a passport: how the engine looks at a photo, and how map and score become a statement.

Each rule is read from a weights file. What it does is told where it is applied.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mesorch_cli.network.member import SIDE_MULTIPLE

LARGEST_SIDE = 4096  # of a network's input, in pixels: eight times the published one
LARGEST_RATIO = 100.0  # log10; photos support less than 6

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e4, le=1e4)]
Coefficient = Annotated[float, Field(ge=-100.0, le=100.0)]  # for logarithms and shares
Words = Annotated[str, Field(max_length=10_000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Part(BaseModel):
    """A part of a passport: it cannot be changed, and refuses unknown names and numbers that are none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class InputRule(Part):
    """The input of the network: squares of `side` pixels, and the smallest photo to which the figures apply."""

    side: Annotated[int, Field(ge=SIDE_MULTIPLE, le=LARGEST_SIDE, multiple_of=SIDE_MULTIPLE)] = 512
    smallest_photo_side: Annotated[int, Field(ge=1, le=LARGEST_SIDE)] = 32


class Scale(Part):
    """One scale of the analysis.

    kind: `tiles` cover the photo; `whole` is the photo squashed to one square input; `mirrored` is the same with left
    and right exchanged (the map is turned back). long_side: pixels of the long side to which the photo is shrunk for
    tiles; 0: native size, no resampling; None for the other kinds. A smaller photo is not enlarged. weight: the scale's
    share in the fusion of logits, relative to the other scales, 0.001..1000.
    """

    kind: Literal["whole", "mirrored", "tiles"]
    long_side: Annotated[int, Field(ge=0, le=999_999)] | None = None
    weight: Annotated[float, Field(ge=1e-3, le=1e3)] = 1.0

    @model_validator(mode="after")
    def _whole_has_no_side(self) -> Self:
        if (self.kind == "tiles") == (self.long_side is None):
            raise ValueError("a scale of tiles needs long_side (0 for native), the whole-image scales take none")
        return self

    @property
    def name(self) -> str:
        """Return `whole`, `mirrored`, `native` or `tiles-LONG_SIDE`."""
        if self.kind != "tiles":
            return self.kind
        return f"tiles-{self.long_side}" if self.long_side else "native"


class WitnessRule(Part):
    """The rule by which a witness beside the network judges.

    A coefficient added later has a default, and is left out of the digest of settings if the passport does not state
    it.
    """


class CopyRule(WitnessRule):
    """The certainty that two matching parts of a photo are copies: logistic in their measurements.

    The coefficients belong to `Features` of the search for copies: the logarithm of the matches, the correlations of
    brightness and grain, the filled share, the overlap, and whether the counterpart led back. least: the certainty from
    which a copy is reported. preference: how much the difference of the parts' mean logits says about which one was
    pasted. doubled_below: photos with a shorter longest side, in pixels, are searched at twice their size; 0: none.
    """

    intercept: Coefficient
    matches: Coefficient
    brightness: Coefficient
    grain: Coefficient
    filled: Coefficient
    overlap: Coefficient
    returned: Coefficient
    doubled_below: Annotated[int, Field(ge=0, le=LARGEST_SIDE)] = 0
    least: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    preference: Annotated[float, Field(ge=0.0, le=100.0)] = 1.0


class QuantisationRule(WitnessRule):
    """When the witness of double quantisation is believed, and how its evidence changes the map.

    It is believed where intercept + weights x measurements > 0 (see `prepared` of that witness). The map's logit
    is then network x (its own) + slope x evidence + offset, with evidence in nats per block.
    """

    intercept: Finite
    weights: Annotated[tuple[Finite, ...], Field(min_length=10, max_length=10)]
    slope: Annotated[float, Field(gt=0.0, le=10.0)]
    offset: Finite
    network: Annotated[float, Field(ge=0.0, le=1.0)]


class BlocksRule(WitnessRule):
    """How the logits by block of a small network of its own change the map, and when they are reported.

    network_sha256: the file of that network, to which the numbers were fitted. With h its logit of a block, the map's
    logit is network x (its own) + slope x (h - centre), where the difference is kept within lowest..highest. least: mean
    of the largest per cent of the blocks' logits from which the finding is reported.
    """

    network_sha256: Sha256
    network: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    slope: Annotated[float, Field(gt=0.0, le=10.0)]
    centre: Finite
    lowest: Annotated[float, Field(ge=-50.0, le=0.0)]
    highest: Annotated[float, Field(ge=0.0, le=50.0)]
    least: Finite


class HistoryRule(BlocksRule):
    """The rule of the compression history of a JPEG's blocks."""


class GrainRule(BlocksRule):
    """The rule of the finest detail of a photo's blocks."""


class ThresholdRule(Part):
    """The map's threshold for each photo: `share` of the mean of its `top` share of pixels, at least `floor`."""

    floor: Share
    share: Share
    top: Annotated[float, Field(gt=0.0, le=1.0)]


class FirstLookRule(Part):
    """Which tiles are left out after the views of the whole photo: those with less `detail` and nothing to be seen.

    detail: see `inference.first_look`, in grey levels of 255. share: nothing is to be seen where the map of the whole
    photo is everywhere below this share of its highest probability in the photo.
    """

    detail: Annotated[float, Field(gt=0.0, le=255.0)]
    share: Annotated[float, Field(gt=0.0, lt=1.0)]


class EdgeRule(Part):
    """How the map's edges are moved to edges of the photo, see `inference.edges`.

    long_side: pixels to which the photo is shrunk for it. largest_factor: by which it is shrunk at most, so that small
    regions of large photos stay; `inference.edges` has a limit of its own, which goes first. radius: of the filter's window,
    in pixels of the shrunk photo. smoothness: variance of the colours, as a share of 1, below which a window counts as
    flat.
    """

    long_side: Annotated[int, Field(ge=64, le=1024)]
    largest_factor: Annotated[float, Field(ge=1.0, le=100.0)] = 5.0
    radius: Annotated[int, Field(ge=1, le=100)]
    smoothness: Annotated[float, Field(ge=1e-6, le=1.0)]


class InferenceRule(Part):
    """Defaults of the engine: scales from coarse to fine (stored as `levels`), overlap of tiles, arithmetic.

    first_look: None to analyse every tile. edges: None to leave the map's edges where they are. The others are the rules
    of the witnesses, by name. None: that witness does not look.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    scales: Annotated[tuple[Scale, ...], Field(alias="levels", min_length=1, max_length=8)] = (Scale(kind="whole"),)
    overlap: Annotated[float, Field(ge=0.0, le=0.75)] = 0.25
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    first_look: FirstLookRule | None = None
    edges: EdgeRule | None = None
    copies: CopyRule | None = None
    quantisation: QuantisationRule | None = None
    history: HistoryRule | None = None
    grain: GrainRule | None = None

    @model_validator(mode="after")
    def _scales_differ(self) -> Self:
        names = [scale.name for scale in self.scales]
        if len(set(names)) != len(names):
            raise ValueError(f"scales {names}: expected at least one, each only once")
        return self


class RatioMap(Part):
    """Map from the raw score to the log10 likelihood ratio: linear between points, constant beyond them.

    scores: rising. log10_ratios: never falling, within lower..upper, which are the bounds that the data support.
    """

    scores: Annotated[tuple[Share, ...], Field(max_length=100_000)]
    log10_ratios: tuple[Annotated[float, Field(ge=-LARGEST_RATIO, le=LARGEST_RATIO)], ...]
    lower: Annotated[float, Field(ge=-LARGEST_RATIO, le=0.0)]
    upper: Annotated[float, Field(ge=0.0, le=LARGEST_RATIO)]

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        if len(self.scores) != len(self.log10_ratios) or not self.scores:
            raise ValueError(
                f"{len(self.scores)} scores for {len(self.log10_ratios)} ratios: expected as many, at least one"
            )
        if any(after <= before for before, after in pairwise(self.scores)):
            raise ValueError("scores do not rise")
        if any(after < before for before, after in pairwise(self.log10_ratios)):
            raise ValueError("ratios fall while scores rise")
        if self.log10_ratios[0] < self.lower or self.log10_ratios[-1] > self.upper:
            raise ValueError(f"ratios outside of their bounds {self.lower:g} to {self.upper:g}")
        return self


class Calibration(Part):
    """Logistic map from the logit of the raw score to a probability: 1 / (1 + exp(-(slope * logit + intercept))).

    The probability holds for even prior odds. fitted_on: name of the photos it was fitted on; authentic, tampered: how
    many of each. ratios: the likelihood ratio by score, None if only the probability was fitted.
    """

    slope: Annotated[float, Field(ge=-1e6, le=1e6)]
    intercept: Annotated[float, Field(ge=-1e7, le=1e7)]
    fitted_on: Words
    authentic: Annotated[int, Field(ge=1, le=10**9)] | None = None
    tampered: Annotated[int, Field(ge=1, le=10**9)] | None = None
    ratios: RatioMap | None = None


class ScoreRule(Part):
    """How the map becomes a score, and the score a verdict.

    pooling `top-mean`: the mean of the `share` of pixels with the largest values; `max` ignores `share`. A raw score of
    `evidence_at` or more means evidence of manipulation, one below `inconclusive_at` no evidence found.
    """

    pooling: Literal["top-mean", "max"] = "top-mean"
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.01
    inconclusive_at: Share = 0.5
    evidence_at: Share = 0.5
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.inconclusive_at > self.evidence_at:
            raise ValueError(f"inconclusive_at {self.inconclusive_at} lies above evidence_at {self.evidence_at}")
        return self
