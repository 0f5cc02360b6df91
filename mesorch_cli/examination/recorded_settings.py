"""The settings of an analysis as JSON values: what a record says of them, and the way back."""

import hashlib
import json
from collections.abc import Mapping

from pydantic import JsonValue, TypeAdapter, ValidationError

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.calibration_file import analysis_values
from mesorch_cli.inference.settings import Settings, parse_levels
from mesorch_cli.network.passport import Level, ScoreRule

_PAIRS = TypeAdapter(list[tuple[str, float]])
_SETTINGS = TypeAdapter(Settings)


def settings_values(settings: Settings, weights_sha256: str, accept_damaged: bool) -> dict[str, JsonValue]:
    """Return everything that the user or the passport set and that a result depends on."""
    return analysis_values(settings) | {
        "pixel_threshold": settings.pixel_threshold,
        "photo_threshold": None
        if settings.photo_threshold is None
        else settings.photo_threshold.model_dump(mode="json"),
        "score": settings.score.model_dump(mode="json"),
        "smallest_photo_side": settings.smallest_photo_side,
        "tile_batch": settings.tile_batch,
        "accept_damaged": accept_damaged,
        "weights": weights_sha256,
    }


def settings_digest(values: Mapping[str, JsonValue]) -> str:
    """Return the SHA-256 of such values: `settings_sha256` of a record."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def settings_from(values: Mapping[str, JsonValue]) -> Settings:
    """Return the settings that the values of a record stand for. Raises UsageError for values that are none."""
    known = {"accept_damaged", "weights", "levels", "score"}
    try:
        levels = [_level(*pair) for pair in _PAIRS.validate_python(values["levels"])]
        plain = {name: value for name, value in values.items() if name not in known}
        score = ScoreRule.model_validate(values["score"])
        return _SETTINGS.validate_python(plain | {"levels": tuple(levels), "score": score})
    except (KeyError, ValidationError) as error:
        raise UsageError(
            f"The record's settings cannot be read: {error!r}. Expected those of mesorch.record/1, whole."
        ) from error


def accepts_damaged(values: Mapping[str, JsonValue]) -> bool:
    """Say whether the values of a record have damaged photos analysed. Raises UsageError for values that do not say it."""
    told = values.get("accept_damaged")
    if not isinstance(told, bool):
        raise UsageError(
            f"The record's settings cannot be read: accept_damaged is {str(told)[:40]!r}. Expected true or false, as "
            "mesorch.record/1 has it."
        )
    return told


def _level(name: str, weight: float) -> Level:
    return parse_levels(name, ())[0].model_copy(update={"weight": weight})
