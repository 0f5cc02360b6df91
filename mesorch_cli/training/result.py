"""The result of a run: `best.safetensors` with its passport, and a model card that says the same to people."""

import json
import math
from dataclasses import asdict
from pathlib import Path

from pydantic import JsonValue
from torch import Tensor

from mesorch_cli import __version__
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.files.writing import write_whole
from mesorch_cli.network.families import member_named
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import InferenceRule, InputRule
from mesorch_cli.network.weights import save_weights
from mesorch_cli.training.config import TrainingConfig
from mesorch_cli.training.validation import Measured

WEIGHTS, CARD = "best.safetensors", "best.md"
LIMITS = (
    "Chosen among the checkpoints of its run by the validation figures below, which therefore flatter a little.",
    "The score is not calibrated and its limits are not fitted: `mesorch calibrate` does that on photos like yours.",
)
NEEDS_TOOL = "0.1.0"  # raise it if older versions cannot run the weights, or would judge differently
KEPT_WHOLE = ("running_mean", "running_var")  # batch-norm variances exceed the range of fp16
SHOWN = ("f1_best", "f1", "auc", "iou", "mcc", "image_auc", "authentic_flagged")


def to_half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return floating tensors as fp16; batch-norm statistics and integers are unchanged."""
    return {
        name: tensor.half() if tensor.is_floating_point() and not name.endswith(KEPT_WHOLE) else tensor
        for name, tensor in tensors.items()
    }


def manifest(files: list[Path]) -> dict[str, JsonValue]:
    """Return the number of a run's files and a hash over their names and lengths, for comparing runs."""
    lines = sorted(f"{path.as_posix()}\t{path.stat().st_size}" for path in set(files))
    return {"files": len(lines), "sha256_of_names_and_sizes": sha256_bytes("\n".join(lines).encode("utf-8", "replace"))}


def draft_passport(config: TrainingConfig) -> Passport:
    """Return the passport before any measurement, with what the engine needs."""
    rule = config.validation
    return Passport(
        name=config.name or config.network,
        version="0",
        network=member_named(config.network),
        input=InputRule(side=rule.side or config.side),
        inference=InferenceRule(scales=rule.parsed_scales, overlap=rule.overlap),
        licence=config.licence,
        limits=LIMITS,
        needs_tool=NEEDS_TOOL,
    )


def final_passport(
    config: TrainingConfig, step: int, legs: list[JsonValue], files: dict[str, JsonValue], measured: Measured
) -> Passport:
    """Return the passport of the weights after `step` steps."""
    training: dict[str, JsonValue] = {
        "tool": f"mesorch {__version__}",
        "steps": step,
        "samples": step * config.batch,
        "data": files,
        "legs": legs,
        "chosen_by": config.validation.select,
    }
    return draft_passport(config).model_copy(
        update={
            "version": f"step-{step}",
            "threshold": measured.threshold,
            "training": training,
            "figures": _figures(measured),
        }
    )


def _figures(measured: Measured) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for name, summary in measured.sets.items():
        found[name] = {
            "counts": {key: value for key, value in asdict(summary.counts).items() if key != "reasons"},
            **{
                key: {part: _rounded(value) for part, value in asdict(figure).items()}
                for key, figure in summary.figures.items()
            },
        }
    return found


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def write_result(folder: Path, tensors: dict[str, Tensor], passport: Passport) -> str:
    """Write weights and card atomically. Return the SHA-256 of the weights. Raises OutputError if that fails."""
    sha256 = save_weights(folder / WEIGHTS, tensors, passport)
    write_whole(folder / CARD, card(passport, sha256).encode("utf-8"))
    return sha256


def card(passport: Passport, sha256: str) -> str:
    """Return the model card as Markdown."""
    lines = [f"# {passport.name} {passport.version}", "", f"Licence: {passport.licence}. SHA-256 `{sha256}`.", ""]
    lines += ["## Limits", "", *(f"- {limit}" for limit in passport.limits), ""]
    lines += [f"## Figures on validation, pixel threshold {passport.threshold:g}", ""]
    lines += ["| set | figure | value | 95 % interval | photos |", "|---|---|---|---|---|"]
    for name, found in passport.figures.items():
        assert isinstance(found, dict)
        for key in SHOWN:
            figure = found.get(key)
            if isinstance(figure, dict) and figure["value"] is not None:
                interval = "" if figure["low"] is None else f"{figure['low']} .. {figure['high']}"
                lines.append(f"| {name} | {key} | {figure['value']} | {interval} | {figure['photos']} |")
    lines += ["", "## Passport", "", "```json", json.dumps(json.loads(passport.to_json()), indent=1), "```", ""]
    return "\n".join(lines)
