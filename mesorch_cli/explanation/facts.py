"""The numbers of an explanation, `mesorch.explanation/1`: plain values for programs, for the terminal and for the page."""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mesorch_cli.explanation.scales import Branch
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.network.rules import Sha256, Share

SCHEMA: Literal["mesorch.explanation/1"] = "mesorch.explanation/1"
FILE_NAME = "explanation.json"
LARGEST = 4 << 20  # bytes of such a file; the largest, with 50 regions, has about 150 kB
KEPT, WITHIN = 0.5, 0.5  # as SURVIVE says
SURVIVE = (
    "A region survives a check if at least half of its pixels are above the same threshold again, and at least half of the "
    "patches that these pixels then belong to was above it in the usual analysis."
)
NO_GATE = "This network has no gate: it adds its maps with equal weight, so there are no weights to show."
NOT_EXPLAINED = {"schema": SCHEMA, "verdict": Verdict.NOT_ANALYSED.value}
LEAST_LIFT = 0.1  # logits; below it, shares of the lift would be quotients of rounding


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_Part):
    """Over the photo: mean, and the 1st and the 99th of 100 parts of the pixels."""

    mean: float
    lowest: float
    highest: float


class ScalePart(_Part):
    """One scale over the whole photo. map, added: in logits. gate: its weight, None for a network without a gate."""

    name: Annotated[str, Field(pattern=r"^[cs][1-4]$")]
    branch: Branch
    stride: int
    map: Spread
    gate: Spread | None
    added: Spread


class InfluencePart(_Part):
    """What a branch or a scale had to do with a region.

    gate: mean of its weights there, None without a gate. lift: by how many logits it raised the region above the rest of the
    photo. share: of the whole lift; the shares of the branches sum to 1, and one that spoke against the region is negative.
    None where the network did not raise the region by LEAST_LIFT.
    """

    gate: float | None
    lift: float
    share: float | None


class OutcomePart(_Part):
    """What a check left of a region. kept: share of its pixels above the threshold again. within: share of the patches that
    they belong to that was above it before; 0 where nothing is kept."""

    kept: Share
    within: Share
    survives: bool


class ExplainedRegion(_Part):
    """One region of the detection, in pixels of the stored raster, by its place in the record's list; weak ones come last.

    map_mean: of the map inside. network_mean: of what the network alone says there, before copies and traces of JPEG
    compression are taken into account and edges are moved. lift: in logits, None where no pixel of the photo lies outside
    the regions.
    """

    number: int
    x: int
    y: int
    width: int
    height: int
    weak: bool
    share: Share
    map_mean: Share
    network_mean: Share
    lift: float | None
    branches: dict[Branch, InfluencePart]
    scales: dict[str, InfluencePart]
    checks: dict[str, OutcomePart]

    @property
    def survived(self) -> str:
        """Return how many checks it survived of those that could be made."""
        if not self.checks:
            return "no check"
        return f"{sum(one.survives for one in self.checks.values())} of {len(self.checks)}"


class CheckPart(_Part):
    """One check as a whole. reason: why it could not be made. above: share of the photo above the threshold in it."""

    name: Annotated[str, Field(pattern=r"^[a-z]{1,20}$")]
    title: str
    reason: str | None
    verdict: Verdict | None
    score: float | None
    above: Share | None


class ExplainedWeights(_Part):
    name: str
    sha256: Sha256


class Explanation(_Part):
    """Everything but the pictures.

    step: the parts of the network are taken at every so many pixels of rows and columns. threshold: of the map. above: share
    of the photo above it. pictures: SHA-256 by file name.
    """

    schema_: Literal["mesorch.explanation/1"] = Field(default=SCHEMA, alias="schema")
    tool_version: str
    photo_sha256: Sha256
    width: int
    height: int
    weights: ExplainedWeights
    network: str
    gate: bool
    gate_words: str
    verdict: Verdict
    score: float
    threshold: Share
    above: Share
    step: int
    added_limit: float
    scales: list[ScalePart]
    branches: dict[Branch, float | None]
    regions: list[ExplainedRegion]
    checks: list[CheckPart]
    survive: str = SURVIVE
    pictures: dict[str, Sha256]

    def to_line(self) -> str:
        """Return it as one line of ASCII JSON, without the newline."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), ensure_ascii=True, allow_nan=False)
