"""The tensors of a weights file in NumPy, checked against its passport, without PyTorch."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.contents import Contents
from mesorch_cli.network.passport import Passport

Tensors = Mapping[str, NDArray[np.generic]]


def read_tensors(contents: Contents, passport: Passport) -> dict[str, NDArray[np.generic]]:
    """Return the tensors as stored. Raises WeightsError unless they are those that the file's passport describes."""
    try:
        tensors: dict[str, NDArray[np.generic]] = load(contents.data)
    except (SafetensorError, KeyError, ValueError) as error:  # a type unknown to NumPy gives a KeyError
        raise unreadable(contents.path, error) from error
    require_tensors(digest_of(tensors), passport, contents.path)
    return tensors


def digest_of(tensors: Tensors) -> str:
    """Return the SHA-256 over names, types, shapes and bytes of the tensors, in the order of their names.

    Types have PyTorch's names, as `weights.tensors_digest` gives the same for the same tensors.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(json.dumps([name, f"torch.{tensor.dtype.name}", list(tensors[name].shape)]).encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def require_tensors(digest: str, passport: Passport, path: Path) -> None:
    """Raise WeightsError unless tensors with this digest are those that the passport describes."""
    if digest != passport.tensors_sha256:
        raise WeightsError(
            f"The tensors of {path} have the checksum {digest[:16]}..., but the passport records "
            f"{str(passport.tensors_sha256)[:16]}... The file was changed or damaged: get it again from its source."
        )


def unreadable(path: Path, error: Exception) -> WeightsError:
    """Return the error for a file whose tensors cannot be read."""
    return WeightsError(f"Cannot read {path} as safetensors ({error}). Get the file again from its source.")
