"""Weights files: safetensors with a passport, checked before use."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from mesorch_cli.errors import WeightsError
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.files.writing import write_whole
from mesorch_cli.network.contents import Contents, read_contents
from mesorch_cli.network.families import family_of
from mesorch_cli.network.header import PASSPORT_KEY, metadata_of, passport_of
from mesorch_cli.network.localiser import Localiser
from mesorch_cli.network.passport import Passport, WeightsFile, with_checksum
from mesorch_cli.network.tensors import require_tensors, unreadable


@dataclass(frozen=True)
class LoadedWeights(WeightsFile):
    """A network ready for inference (float32, eval mode, on the CPU), its passport, and the file of both."""

    network: Localiser

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as tensors and passport, from which the network is built there as usual."""
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
    """Report missing and surplus tensors, with counts and the first three of each."""
    parts = []
    for label, names in (("missing", sorted(expected - found)), ("unexpected", sorted(found - expected))):
        if names:
            parts.append(f"{len(names)} tensors {label}, first {', '.join(f'`{name}`' for name in names[:3])}")
    return "; ".join(parts)


def build_from(passport: Passport, tensors: Mapping[str, Tensor], origin: str) -> Localiser:
    """Build the passport's network and load `tensors` strictly. WeightsError names anything that does not fit."""
    with torch.device("meta"):  # names and shapes first, as drawing random numbers for all tensors takes time
        network: Localiser = family_of(passport.network).build(passport.network)
    expected = network.state_dict()
    if report := key_report(set(expected), set(tensors)):
        raise WeightsError(
            f"{origin} does not have the tensors of {passport.network.name}: {report}. "
            "Use the file that belongs to this passport."
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise WeightsError(
                f"{origin}: tensor `{name}` has the shape {tuple(tensor.shape)}. Expected "
                f"{tuple(expected[name].shape)} for {passport.network.name}. Use the file that belongs to this "
                "passport."
            )
    own = {
        name: tensor.to(expected[name].dtype).clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    network.load_state_dict(own, strict=True, assign=True)
    return network.eval()


def save_weights(path: Path, tensors: Mapping[str, Tensor], passport: Passport) -> str:
    """Write `tensors` and the passport, whose two checksums are set here, to `path`. Return the file's SHA-256."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    stated = passport.model_copy(update={"tensors_sha256": tensors_digest(plain), "passport_sha256": None})
    return _write(path, plain, with_checksum(stated.to_json()))


def add_checksum(source: Path, target: Path) -> str:
    """Write weights of an earlier version again, with a checksum of the passport. Return the new file's SHA-256.

    Tensors and all other values of the passport are unchanged. Raises WeightsError as `read_file` does.
    """
    contents = read_contents(source)
    read_file(contents)
    text = metadata_of(contents.data, source)[PASSPORT_KEY]
    return _write(target, load(contents.data), with_checksum(text))


def _write(path: Path, tensors: dict[str, Tensor], passport: str) -> str:
    data = save(tensors, metadata={PASSPORT_KEY: passport})
    write_whole(path, data)
    return sha256_bytes(data)


def read_file(source: Path | Contents) -> tuple[Passport, dict[str, Tensor], str]:
    """Read a weights file, or its bytes: passport, tensors as stored, SHA-256 of the file.

    Raises WeightsError if it is missing, not a safetensors file, without a passport, or contradicts its checksums.
    """
    contents = source if isinstance(source, Contents) else read_contents(source)
    path = contents.path
    passport = passport_of(contents)
    try:
        tensors = load(contents.data)
    except (SafetensorError, KeyError, ValueError) as error:  # a type unknown to PyTorch gives a KeyError
        raise unreadable(path, error) from error
    require_tensors(tensors_digest(tensors), passport, path)
    return passport, tensors, contents.sha256


def load_weights(source: Path | Contents) -> LoadedWeights:
    """Load a weights file for inference. Raises WeightsError as `read_file` and `build_from` do."""
    passport, tensors, sha256 = read_file(source)
    path = source.path if isinstance(source, Contents) else source
    return LoadedWeights(passport, path, sha256, build_from(passport, tensors, str(path)))
