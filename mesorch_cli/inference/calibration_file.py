"""`calibration.json`: a score rule for one set of weights and settings, and its basis."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from mesorch_cli.bounds import json_within
from mesorch_cli.errors import UsageError
from mesorch_cli.files.reading import read
from mesorch_cli.inference.recorded_settings import different, digest, options_named
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.rules import ScoreRule, Sha256
from mesorch_cli.validation import first_problem

SCHEMA: Literal["mesorch.calibration/1"] = "mesorch.calibration/1"

MOST_BYTES = 16 * 1024 * 1024

Count = Annotated[int, Field(ge=0, le=10**9)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class WeightsPart(_Part):
    """The weights that were calibrated."""

    name: str
    sha256: Sha256


class PhotosPart(_Part):
    """The photos that it was fitted on; sha256: of their sorted hashes, one a line with its class."""

    name: str
    authentic: Count
    tampered: Count
    not_analysed: Count
    sha256: Sha256


class CalibrationFile(_Part):
    """The whole file. analysis_sha256: of everything but the score rule that a score depends on.

    score: the rule, with its calibration. limits, held_out: figures of the fit, see docs/evaluation.md.
    """

    schema_: Literal["mesorch.calibration/1"] = Field(default=SCHEMA, alias="schema")
    weights: WeightsPart
    analysis: dict[str, JsonValue]
    analysis_sha256: Sha256
    photos: PhotosPart
    score: ScoreRule
    limits: dict[str, JsonValue]
    held_out: dict[str, JsonValue]
    tool: dict[str, str]

    def to_text(self) -> str:
        """Return the file's text."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, allow_nan=False) + "\n"


def read_calibration(path: Path) -> CalibrationFile:
    """Read a calibration file. Raises UsageError if it is missing or invalid."""
    try:
        return CalibrationFile.model_validate(json_within(read(path, MOST_BYTES), most_bytes=MOST_BYTES))
    except OSError as error:
        raise UsageError(
            f"Cannot read the calibration {str(path)!r}: {error.strerror}. Make one with `mesorch calibrate`."
        ) from error
    except ValidationError as error:
        raise UsageError(
            f"{str(path)!r} is not a calibration of this version, {first_problem(error)}. Expected {SCHEMA}, as "
            "`mesorch calibrate` writes it."
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{str(path)!r} is not a calibration: {error}. Expected {SCHEMA}, as `mesorch calibrate` writes it."
        ) from error


def calibrated(settings: Settings, weights_sha256: str, calibration: CalibrationFile) -> Settings:
    """Return settings with the calibration's score rule.

    Raises UsageError if it was fitted for other weights or settings, as its figures would be wrong.
    """
    if calibration.weights.sha256 != weights_sha256:
        raise UsageError(
            f"The calibration is for the weights {calibration.weights.name} {calibration.weights.sha256[:16]}..., not "
            f"for {weights_sha256[:16]}.... Use those weights, or calibrate these with `mesorch calibrate`."
        )
    if digest(calibration.analysis) != calibration.analysis_sha256:
        raise UsageError(
            "The settings in the calibration do not have the hash that it records. It was changed: calibrate again "
            "with `mesorch calibrate`."
        )
    if other := different(calibration.analysis, settings):
        told = options_named(calibration.analysis)
        raise UsageError(
            f"The calibration was made with other settings: {', '.join(other)}. Expected "
            f"{', '.join(f'{name} {told.get(name)}' for name in other)}. Use the same settings, or calibrate again."
        )
    return replace(settings, score=calibration.score)
