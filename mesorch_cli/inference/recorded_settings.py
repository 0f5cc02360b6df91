"""Settings as JSON values for records and calibrations, their digest, and the way back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.settings import ADDED_LATER, Settings, parse_scales
from mesorch_cli.network import rules
from mesorch_cli.network.rules import Scale, WitnessRule

RECORDED_AS = {"scales": "levels", "threshold": "pixel_threshold"}  # what records call them
NAMES = {recorded: name for name, recorded in RECORDED_AS.items()}
NOT_OF_THE_SCORE = frozenset(
    {"edges", "pixel_threshold", "photo_threshold", "score", "smallest_photo_side", "tile_batch"}
)
EXPLAIN = "explain"  # is recorded where it was asked for
OF_THE_RECORD = frozenset({"accept_damaged", "weights", EXPLAIN})  # stand beside the settings in a record
_TYPES = get_type_hints(Settings, localns=vars(rules))
_PAIRS = TypeAdapter(list[tuple[str, float]])


def settings_values(settings: Settings) -> dict[str, JsonValue]:
    """Return every setting of an analysis, under the names that records have for them."""
    told = {one.name: _plain(getattr(settings, one.name)) for one in fields(settings)}
    unsaid = {one.name for one in fields(settings) if one.metadata == ADDED_LATER and told[one.name] is None}
    return {RECORDED_AS.get(name, name): value for name, value in told.items() if name not in unsaid}


def run_values(
    settings: Settings, weights_sha256: str, accept_damaged: bool, explain: bool = False
) -> dict[str, JsonValue]:
    """Return every setting that a run's results depend on: the `settings` of a record."""
    asked: dict[str, JsonValue] = {EXPLAIN: True} if explain else {}
    return settings_values(settings) | {"accept_damaged": accept_damaged, "weights": weights_sha256} | asked


def score_values(settings: Settings) -> dict[str, JsonValue]:
    """Return the settings that a raw score depends on, to which a calibration is tied."""
    return {name: value for name, value in settings_values(settings).items() if name not in NOT_OF_THE_SCORE}


def digest(values: Mapping[str, JsonValue]) -> str:
    """Return the SHA-256 of such values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def settings_from(values: Mapping[str, JsonValue]) -> Settings:
    """Return the settings from the values in a record. Raises UsageError for invalid values."""
    named = {name: value for name, value in options_named(values).items() if name not in OF_THE_RECORD}
    try:
        scales = tuple(_scale(*pair) for pair in _PAIRS.validate_python(named.pop("scales")))
        plain: dict[str, Any] = {
            name: TypeAdapter(_TYPES[name]).validate_python(value) for name, value in named.items()
        }
        return Settings(scales=scales, **plain)
    except (KeyError, TypeError, ValidationError) as error:
        raise UsageError(
            f"The record's settings cannot be read: {error!r}. Expected all of those that `mesorch detect` writes."
        ) from error


def accepts_damaged(values: Mapping[str, JsonValue]) -> bool:
    """Return whether a record's values accept damaged photos. Raises UsageError if they do not say."""
    told = values.get("accept_damaged")
    if not isinstance(told, bool):
        raise UsageError(
            f"The record's settings cannot be read: accept_damaged is {str(told)[:40]!r}. Expected true or false, as "
            "`mesorch detect` writes it."
        )
    return told


def options_named(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the values of a record or a calibration under the names of `Settings`, which are those of the options."""
    return {NAMES.get(name, name): value for name, value in values.items()}


def different(values: Mapping[str, JsonValue], settings: Settings) -> list[str]:
    """Return the names of the settings that a score depends on and that differ from values of this or an earlier version.

    A setting missing in the values was unknown to their version, and so at its default.
    """
    before, now = options_named(values), options_named(score_values(settings))
    defaults = {one.name: _plain(one.default) for one in fields(Settings) if one.default is not MISSING}
    return sorted(name for name in before.keys() | now.keys() if before.get(name, defaults.get(name)) != now.get(name))


def _plain(value: Any) -> JsonValue:
    if isinstance(value, WitnessRule):  # later coefficients are left out of digests of passports without them
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [[scale.name, scale.weight] for scale in value]
    return value  # type: ignore[no-any-return]


def _scale(name: str, weight: float) -> Scale:
    return parse_scales(name, ())[0].model_copy(update={"weight": weight})
