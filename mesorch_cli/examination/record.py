"""The record `mesorch.record/2`: what was analysed, how, and with what result, for another examiner to repeat.

Field names are an interface: scripts depend on them. For the same file, weights, settings, versions and machine,
everything except `timing` and `argv` is the same, byte for byte.
"""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from mesorch_cli.evidence.metadata.declared import Kind, Signed
from mesorch_cli.examination.record_result import Part, ResultPart
from mesorch_cli.network.rules import Sha256, Share
from mesorch_cli.report.record_1 import current

SCHEMA: Literal["mesorch.record/2"] = "mesorch.record/2"
PROBABILITY_DIGITS = 6  # float32 carries about seven


class InputPart(Part):
    """The file: its name as given, size, and hash before and after the analysis (null if it could not be read)."""

    path: str
    size: int | None
    sha256: Sha256 | None
    sha256_after: Sha256 | None


class IntegrityPart(Part):
    ok: bool
    findings: list[str]


class SizePart(Part):
    width: int
    height: int


class ComparisonPart(Part):
    """How closely a second, independent decoder agrees, if wanted. The difference is in stored samples.

    exact_expected: the format leaves decoders no choice, so that any difference is a finding.
    """

    decoder: str
    version: str
    compared: bool
    reason: str | None = None
    largest_difference: int | None = None
    share_changed: Share | None = None
    exact_expected: bool


class DecodePart(Part):
    """How bytes became pixels: size of the stored raster, with the orientation recorded and not applied.

    page: the page that was read, counted from 1. upright: the size as a viewer shows it. icc_sha256: of the embedded
    profile. fingerprint: of what the photo shows; null in records of older versions (see `evidence.fingerprint`).
    isolation: the restrictions on the decoding process: process, limits, no-new-privileges, landlock, seccomp, no-programs.
    They depend on the machine, and comparisons of records ignore them; null in records of older versions.
    """

    reader: str
    version: str
    format: str
    width: int
    height: int
    bits: int
    pages: int
    orientation: Annotated[int, Field(ge=1, le=8)]
    conversions: list[str]
    integrity: IntegrityPart
    page: int = 1
    upright: SizePart | None = None
    icc_sha256: Sha256 | None = None
    comparison: ComparisonPart | None = None
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    isolation: list[str] | None = None


class AnalysisPart(Part):
    """How the pixels were analysed. coverage: the share of pixels that at least one scale saw.

    tiles_left_out: how many further tiles the first look found to add nothing; None without a first look.
    """

    scales: list[str]
    tiles: int
    overlap: float
    fusion: dict[str, float]
    precision: str
    device: str
    backend: str
    coverage: Share
    tiles_left_out: int | None = None


class StatementPart(Part):
    """What the file declares about AI in one place.

    kind: generated or edited by AI; involved: AI took part; generator: the fields that an image generator writes.
    where: block and field. text: its content, bounded. signed: trusted means a valid C2PA signature by a signer on the
    given trust list; valid, by any signer; not checked, in the manifest of an earlier version.
    """

    kind: Kind
    where: str
    text: str
    signed: Signed


class DeclaredPart(Part):
    """What the file declares about AI, separate from the verdict, as anyone can write or remove such a statement.

    looked_at: the sources that were examined. The absence of a statement means nothing.
    """

    looked_at: list[str]
    statements: list[StatementPart]


class ArtefactPart(Part):
    """A file written beside the record, with its path relative to the output folder.

    panel: photo, map and outlines side by side, for a report. preview, preview_overlay (the map over the photo, without
    a bar), thumbnail, thumbnail_map: JPEG, for the pages of a case. Of an explanation: its numbers, the frequency views
    high and low, a scale_ for each scale, a check_ for each check.
    """

    role: (
        Literal["overlay", "heatmap", "mask", "panel", "preview", "preview_overlay", "thumbnail", "thumbnail_map"]
        | Literal["explanation", "high", "low"]
        | Annotated[str, Field(pattern=r"^(scale_[cs][1-4]|check_[a-z]{1,20})$")]
    )
    path: str
    sha256: Sha256


class WeightsPart(Part):
    """The weights of an analysis. version: null in records of earlier versions of the tool."""

    name: str
    version: str | None = None
    sha256: Sha256
    licence: str


class TimingPart(Part):
    """Kept separate, so that the rest is byte-stable. Seconds; started_at in UTC, ISO 8601.

    read_s: how long the analysis waited for the photo. `detect` decodes the first one while the network loads.
    """

    started_at: str
    read_s: float
    analyse_s: float


class Record(Part):
    """One input of one run.

    settings: everything that the user or the passport set for the analysis. Settings for reading are in `decode` if
    they can change pixels.
    """

    schema_: Literal["mesorch.record/2"] = Field(default=SCHEMA, alias="schema")
    input: InputPart
    decode: DecodePart | None
    metadata: dict[str, JsonValue]
    provenance: dict[str, JsonValue]
    analysis: AnalysisPart | None
    result: ResultPart
    declared: DeclaredPart | None = None
    artefacts: list[ArtefactPart]
    weights: WeightsPart
    tool: dict[str, str]
    settings: dict[str, JsonValue]
    settings_sha256: Sha256
    argv: list[str]
    timing: TimingPart

    @model_validator(mode="before")
    @classmethod
    def _of_any_version(cls, values: Any) -> Any:
        return current(values)

    def to_line(self) -> str:
        """Return the record as one line of ASCII JSON, without the newline. Any path survives."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), ensure_ascii=True, allow_nan=False)

    def to_text(self) -> str:
        """Return the record as indented JSON for a file."""
        return text_of(self.to_line())


def text_of(line: str) -> str:
    """Return the text of `record.json` for a record's line: the same values, indented."""
    return json.dumps(json.loads(line), ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def record_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) that every record obeys."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Record.model_json_schema(by_alias=True)


def tool_versions(runtime: Mapping[str, str]) -> dict[str, str]:
    """Return what a result depends on beside file, weights and settings. runtime: of what ran
    the network, with its threads."""
    packages = ("numpy", "opencv-python-headless", "pillow", "imagecodecs", "tifffile")
    return {
        "name": "mesorch",
        "version": version("mesorch"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **runtime,
    } | {package: version(package) for package in packages}
