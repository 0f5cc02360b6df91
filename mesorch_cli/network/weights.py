"""Weights files: safetensors with a passport, checked before use."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import Passport, WeightsFile, parse_passport

PASSPORT_KEY = "mesorch.passport"


@dataclass(frozen=True)
class LoadedWeights(WeightsFile):
    """A network ready for inference (float32, eval mode, on the CPU), its passport, and the file that both came from."""

    network: Mesorch

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as tensors and passport; the network is built there, the way that networks are built."""
        return _arrived, (self.passport, dict(self.network.state_dict()), self.path, self.sha256)


def _arrived(passport: Passport, tensors: dict[str, Tensor], path: Path, sha256: str) -> LoadedWeights:
    return LoadedWeights(passport, path, sha256, build_from(passport, tensors, str(path)))


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over names, types, shapes and bytes of the tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def key_report(expected: set[str], found: set[str]) -> str:
    """Say which tensors are missing and which are too many, with counts and the first three of each."""
    parts = []
    for label, names in (("missing", sorted(expected - found)), ("unexpected", sorted(found - expected))):
        if names:
            parts.append(f"{len(names)} tensors {label}, first {', '.join(f'`{name}`' for name in names[:3])}")
    return "; ".join(parts)


def build_from(passport: Passport, tensors: Mapping[str, Tensor], origin: str) -> Mesorch:
    """Build the passport's network and load `tensors` strictly; WeightsError names what does not fit."""
    with torch.device("meta"):  # names and shapes first: drawing random numbers for all of them takes its time
        network = Mesorch(passport.network)
    expected = network.state_dict()
    if report := key_report(set(expected), set(tensors)):
        raise WeightsError(
            f"{origin} does not hold the tensors of {passport.network.name}: {report}. "
            "Use the file that belongs to this passport."
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise WeightsError(
                f"{origin}: tensor `{name}` has the shape {tuple(tensor.shape)}, expected "
                f"{tuple(expected[name].shape)} for {passport.network.name}. Use the file that belongs to this passport."
            )
    own = {
        name: tensor.to(expected[name].dtype).clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    network.load_state_dict(own, strict=True, assign=True)
    return network.eval()


def save_weights(path: Path, tensors: Mapping[str, Tensor], passport: Passport) -> str:
    """Write `tensors` with the passport (its `tensors_sha256` set here) to `path`; return the file's SHA-256."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    sealed = passport.model_copy(update={"tensors_sha256": tensors_digest(plain)})
    data = save(plain, metadata={PASSPORT_KEY: sealed.to_json()})
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(data)
    temporary.replace(path)
    return hashlib.sha256(data).hexdigest()


def read_file(path: Path) -> tuple[Passport, dict[str, Tensor], str]:
    """Read a weights file: passport, tensors as stored, SHA-256 of the file.

    Raises WeightsError if it is missing, no safetensors file, without a passport, or not what the passport sealed.
    """
    try:
        data_digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except FileNotFoundError as error:
        raise WeightsError(
            f"No weights at {path}. Expected a .safetensors file; `mesorch weights list` shows what is there."
        ) from error
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"Cannot read {path} as safetensors ({error}). A published .pth goes through `mesorch weights import` first."
        ) from error
    if PASSPORT_KEY not in metadata:
        raise WeightsError(
            f"{path} carries no passport, so nothing says which network it is. Expected the metadata entry "
            f"`{PASSPORT_KEY}`; import the original file with `mesorch weights import`."
        )
    passport = parse_passport(metadata[PASSPORT_KEY], str(path))
    digest = tensors_digest(tensors)
    if digest != passport.tensors_sha256:
        raise WeightsError(
            f"The tensors of {path} have the digest {digest[:16]}..., the passport recorded "
            f"{str(passport.tensors_sha256)[:16]}.... The file was changed or damaged: get it again from its source."
        )
    return passport, tensors, data_digest


def read_passport(path: Path) -> Passport:
    """Read only the passport of a weights file, without its tensors and without checking their digest."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"Cannot read {path} as safetensors ({error}).") from error
    if PASSPORT_KEY not in metadata:
        raise WeightsError(f"{path} carries no passport. Expected the metadata entry `{PASSPORT_KEY}`.")
    return parse_passport(metadata[PASSPORT_KEY], str(path))


def load_weights(path: Path) -> LoadedWeights:
    """Load a weights file for inference. Raises WeightsError as `read_file` and `build_from` do."""
    passport, tensors, sha256 = read_file(path)
    return LoadedWeights(passport, path, sha256, build_from(passport, tensors, str(path)))
