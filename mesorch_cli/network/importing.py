"""Published checkpoints (`.pth`) to weights files of our own: safe reading, renaming, telling the networks apart.

The tensor names on the left are those of the published code (Mesorch, commit ea82b02); NETWORK facts: the chains of one
transposed convolution have no index, `convnext.head.*` is a classifier that never had a gradient, and Mesorch-P files may
still carry the ConvNeXt stage that this network does not use.
"""

import argparse
import io
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.config import MESORCH, MESORCH_P, NetworkConfig
from mesorch_cli.network.contents import Contents, read_contents
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import InferenceRule, InputRule, Level, Passport, ScoreRule
from mesorch_cli.network.weights import build_from, key_report, save_weights

Harmless = list[Callable[..., Any] | tuple[Callable[..., Any], str]]

MOST_BYTES = 8 * 1024**3  # of a checkpoint, which may carry what its optimiser kept
WRAPPERS = ("model", "state_dict", "model_state_dict")  # keys under which trainers keep the tensors
HARMLESS: Harmless = [argparse.Namespace]  # plain values that published files carry beside the tensors
DROPPED = {
    "convnext.head.": "classifier, never trained",
    "convnext.norm_pre.": "norm before the classifier, unused",
}
DROPPED_P = DROPPED | {"convnext.stages.3.": "fourth ConvNeXt stage, not part of Mesorch-P"}
LICENCE = (
    "Not stated by this file. The published code is MIT; the Transformer was initialised from NVIDIA's ImageNet MiT-B3 "
    "weights, which carry non-commercial terms. Clear the licence for your use with the authors."
)
RENAMED = (
    (r"^convnext\.", "cnn."),
    (r"^segformer\.patch_embed1\.", "transformer.patch_embed."),
    (r"\.dwconv\.dwconv\.", ".dwconv."),
    (r"^upsample\.upsample([cs]2)\.", r"decoders.\1.0."),
    (r"^upsample\.upsample([cs][34])\.", r"decoders.\1."),
    (r"^gate\.conv1\.", "gate.widen."),
    (r"^gate\.invert\.0\.", "gate.norm."),
    (r"^gate\.invert\.1\.", "gate.mix."),
    (r"^gate\.invert\.2\.", "gate.expand."),
    (r"^gate\.invert\.3\.", "gate.reduce."),
    (r"^gate\.conv2\.", "gate.choose."),
)
STAGED = {"patch_embed": "downsample", "block": "blocks", "norm": "norm"}


@dataclass(frozen=True)
class ImportedWeights:
    """What an import made: the file, its network, the tensors dropped by name, and the file's SHA-256."""

    path: Path
    config_name: str
    dropped: tuple[str, ...]
    sha256: str


def rename(key: str, config: NetworkConfig) -> str:
    """Return our name of a published tensor."""
    for pattern, replacement in RENAMED:
        key = re.sub(pattern, replacement, key)
    if found := re.match(r"^segformer\.(patch_embed|block|norm)(\d)\.", key):
        key = f"transformer.stages.{int(found[2]) - 1}.{STAGED[found[1]]}.{key[found.end() :]}"
    if found := re.match(r"^inverse\.(\d)\.", key):
        index = int(found[1])
        scale = config.scales[index] if index < len(config.scales) else f"map{index}"
        key = f"heads.{scale}.{key[found.end() :]}"
    return key


def checkpoint_contents(source: Path) -> Contents:
    """Read a checkpoint's bytes, once. Raises WeightsError if it is missing, no ordinary file, or too large."""
    if not source.exists():
        raise WeightsError(f"No file at {source}. Expected a published checkpoint such as mesorch-98.pth.")
    return read_contents(source, most_bytes=MOST_BYTES)


def read_checkpoint(file: Path | Contents) -> dict[str, Tensor]:
    """Return the tensors of a published `.pth`, or of bytes read of one, without running any code of it.

    Raises WeightsError for a missing or damaged file, or for one that wants to load anything but tensors and plain
    values; the message names what that was.
    """
    source = file.path if isinstance(file, Contents) else file
    data = (file if isinstance(file, Contents) else checkpoint_contents(file)).data
    try:
        with torch.serialization.safe_globals(HARMLESS):
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        refused = r"(?:GLOBAL|global:?|class|function) `?([\w.]+)`? (?:was not|whose module)"
        if found := re.search(refused, str(error)):
            raise WeightsError(
                f"{source} wants to load `{found[1]}`, which can run code. Expected tensors and plain values only; "
                "nothing of the file was executed. Get the checkpoint from its authors, or have them save the state "
                "dict alone."
            ) from error
        raise WeightsError(
            f"{source} is no PyTorch checkpoint, or is damaged. Expected a .pth file; compare its SHA-256 with the "
            "source and get it again."
        ) from error
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{source} holds a {type(content).__name__}, expected a state dict of named tensors.")
    tensors = {str(key).removeprefix("module."): value for key, value in content.items()}
    odd = [key for key, value in tensors.items() if not isinstance(value, Tensor)]
    if odd:
        raise WeightsError(f"{source}: `{odd[0]}` is no tensor ({len(odd)} such entries). Expected a state dict.")
    return tensors


def recognise(tensors: Mapping[str, Tensor], source: Path) -> NetworkConfig:
    """Tell Mesorch (with gate) from Mesorch-P (without) by the tensors' names; WeightsError if it is neither."""
    if not any(key.startswith("convnext.") for key in tensors) or not any(k.startswith("segformer.") for k in tensors):
        first = ", ".join(f"`{key}`" for key in sorted(tensors)[:3])
        raise WeightsError(
            f"{source} is not a Mesorch checkpoint: expected tensors named `convnext.*` and `segformer.*`, found {first}."
        )
    gated = any(key.startswith("gate.") for key in tensors)
    eight_maps = any(key.startswith("inverse.7.") for key in tensors)
    return MESORCH if gated or eight_maps else MESORCH_P


def convert(
    tensors: Mapping[str, Tensor], config: NetworkConfig, source: Path
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the tensors under our names, and the published names that were dropped; WeightsError if any is odd."""
    prefixes = tuple(DROPPED_P if config is MESORCH_P else DROPPED)
    dropped = tuple(sorted(key for key in tensors if key.startswith(prefixes)))
    kept = {rename(key, config): value for key, value in tensors.items() if not key.startswith(prefixes)}
    if report := key_report(set(Mesorch(config).state_dict()), set(kept)):
        other = MESORCH_P if config is MESORCH else MESORCH
        raise WeightsError(
            f"{source} looks like {config.name} but does not match it: {report} (in this program's names). It is no "
            f"{other.name} either. Check that the file is the published one and complete."
        )
    return kept, dropped


def import_checkpoint(
    file: Path | Contents,
    target: Path,
    *,
    name: str | None = None,
    licence: str | None = None,
    expect: str | None = None,
) -> ImportedWeights:
    """Convert a published checkpoint to a weights file at `target` (a .safetensors path).

    name: the name in the passport, by default the network's. expect: `mesorch` or `mesorch-p`; a file of the other
    network is refused. Raises WeightsError as the steps above do.
    """
    contents = file if isinstance(file, Contents) else checkpoint_contents(file)
    source = contents.path
    tensors = read_checkpoint(contents)
    config = recognise(tensors, source)
    if expect is not None and expect != config.name:
        raise WeightsError(f"{source} is {config.name}, expected {expect}. Import it as `--network {config.name}`.")
    kept, dropped = convert(tensors, config, source)
    passport = Passport(
        name=name or config.name,
        version="imported",
        network=config,
        input=InputRule(side=512),
        inference=InferenceRule(levels=(Level(kind="whole"),)),
        pixel_threshold=0.5,
        score=ScoreRule(pooling="top-mean", share=0.01, inconclusive_at=0.5, evidence_at=0.9),
        training={
            "source_file": source.name,
            "source_sha256": contents.sha256,
            "data": "CAT-Net protocol as published (Zhu et al., AAAI 2025); not verified here",
            "dropped_tensors": list(dropped),
        },
        licence=licence or LICENCE,
        limits=("No image score was published with this network: the pooling and its thresholds are not calibrated.",),
    )
    build_from(passport, kept, str(source))
    return ImportedWeights(target, config.name, dropped, save_weights(target, kept, passport))
