"""Converts published checkpoints (`.pth`) to our weights files: safe reading, every tensor checked, a passport."""

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
from mesorch_cli.network.contents import Contents, read_contents
from mesorch_cli.network.families import FAMILIES, family_of
from mesorch_cli.network.family import Family, Foreign
from mesorch_cli.network.member import Member
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import InferenceRule, InputRule, Scale, ScoreRule
from mesorch_cli.network.weights import build_from, key_report, save_weights

Harmless = list[Callable[..., Any] | tuple[Callable[..., Any], str]]

MOST_BYTES = 8 * 1024**3  # of a checkpoint, which may include the optimiser's state
WRAPPERS = ("model", "state_dict", "model_state_dict")  # keys under which trainers store the tensors
HARMLESS: Harmless = [argparse.Namespace]  # plain values that published files contain beside the tensors


@dataclass(frozen=True)
class ImportedWeights:
    """The result of an import: the file, its network, the names of dropped tensors, and the file's SHA-256."""

    path: Path
    config_name: str
    dropped: tuple[str, ...]
    sha256: str


def checkpoint_contents(source: Path) -> Contents:
    """Read a checkpoint's bytes, once. Raises WeightsError if it is missing, not an ordinary file, or too large."""
    if not source.exists():
        raise WeightsError(f"No file at {source}. Expected a published checkpoint such as mesorch-98.pth.")
    return read_contents(source, most_bytes=MOST_BYTES)


def read_checkpoint(file: Path | Contents) -> dict[str, Tensor]:
    """Return the tensors of a published `.pth`, or of its bytes, without running any of its code.

    Raises WeightsError for a missing or damaged file, and for one that would load anything but tensors and plain
    values. The message names that thing.
    """
    source = file.path if isinstance(file, Contents) else file
    data = (file if isinstance(file, Contents) else checkpoint_contents(file)).data
    try:
        with torch.serialization.safe_globals(HARMLESS):
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, LookupError) as error:
        refused = r"(?:GLOBAL|global:?|class|function) `?([\w.]+)`? (?:was not|whose module)"
        if found := re.search(refused, str(error)):
            raise WeightsError(
                f"{source} wants to load `{found[1]}`, which can run code. Expected only tensors and plain values. "
                "Nothing in the file was executed. Get the checkpoint from its authors, or ask them to save only the "
                "state dict."
            ) from error
        raise WeightsError(
            f"{source} is not a PyTorch checkpoint, or is damaged. Expected a .pth file: compare its SHA-256 with the "
            "source, and get it again."
        ) from error
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{source} contains a {type(content).__name__}. Expected a state dict of named tensors.")
    tensors = {str(key).removeprefix("module."): value for key, value in content.items()}
    odd = [key for key, value in tensors.items() if not isinstance(value, Tensor)]
    if odd:
        raise WeightsError(f"{source}: `{odd[0]}` is not a tensor ({len(odd)} such entries). Expected a state dict.")
    return tensors


def recognise(tensors: Mapping[str, Tensor], source: Path) -> Member:
    """Return the network of a checkpoint, recognised by its tensors' names. Raises WeightsError for an unknown one."""
    kinds = [(family, family.foreign) for family in FAMILIES if family.foreign is not None]
    for _, foreign in kinds:
        member: Member | None = foreign.recognise(tensors)
        if member is not None:
            return member
    first = ", ".join(f"`{key}`" for key in sorted(tensors)[:3])
    raise WeightsError(
        f"{source} is not a {' or '.join(family.title for family, _ in kinds)} checkpoint: expected tensors named "
        f"{' or '.join(foreign.expected for _, foreign in kinds)}, found {first}."
    )


def convert(tensors: Mapping[str, Tensor], config: Member, source: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the tensors under our names, and the dropped published names. Raises WeightsError for unexpected ones."""
    family = family_of(config)
    names = {key: _foreign(family).rename(key, config) for key in tensors}
    dropped = tuple(sorted(key for key, name in names.items() if name is None))
    kept = {name: tensors[key] for key, name in names.items() if name is not None}
    if report := key_report(set(family.build(config).state_dict()), set(kept)):
        raise WeightsError(
            f"{source} looks like {config.name} but does not match it: {report} (in this program's names). "
            "Check that the file is the published one and complete."
        )
    return kept, dropped


def _foreign(family: Family[Any, Any]) -> Foreign[Any]:
    if family.foreign is None:
        raise WeightsError(f"No published checkpoints of the family {family.title} are known.")
    return family.foreign


def import_checkpoint(
    file: Path | Contents,
    target: Path,
    *,
    name: str | None = None,
    licence: str | None = None,
    expect: str | None = None,
) -> ImportedWeights:
    """Convert a published checkpoint to a weights file at `target` (a .safetensors path).

    name: the name in the passport, by default the network's. expect: `mesorch` or `mesorch-p`, which refuses a file of
    the other network. Raises WeightsError as the steps above do.
    """
    contents = file if isinstance(file, Contents) else checkpoint_contents(file)
    source = contents.path
    tensors = read_checkpoint(contents)
    config = recognise(tensors, source)
    if expect is not None and expect != config.name:
        raise WeightsError(f"{source} is {config.name}. Expected {expect}: import it with `--network {config.name}`.")
    kept, dropped = convert(tensors, config, source)
    foreign = _foreign(family_of(config))
    passport = Passport(
        name=name or config.name,
        version="imported",
        network=config,
        input=InputRule(side=512),
        inference=InferenceRule(scales=(Scale(kind="whole"),)),
        threshold=0.5,
        score=ScoreRule(pooling="top-mean", share=0.01, inconclusive_at=0.5, evidence_at=0.9),
        training={
            "source_file": source.name,
            "source_sha256": contents.sha256,
            "data": foreign.data,
            "dropped_tensors": list(dropped),
        },
        licence=licence or foreign.licence,
        limits=foreign.limits,
    )
    build_from(passport, kept, str(source))
    return ImportedWeights(target, config.name, dropped, save_weights(target, kept, passport))
