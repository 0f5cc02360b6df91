"""Programs of torch.export as others could make them: a small honest one, and its archive with parts changed."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mesorch_cli.export.program import write_program
from mesorch_cli.inference.backends.program import entries_sha256, seal_name
from mesorch_cli.inference.exported import Seal, SourcePart
from mesorch_cli.network.passport import Passport

MODEL = "models/model.json"
CONSTANTS = "data/constants/model_constants_config.json"
WEIGHTS = "data/weights/model_weights_config.json"
SAMPLES = "data/sample_inputs/model.pt"
Parts = dict[str, bytes]


class Brightness(nn.Module):
    """Logits that are a photo's brightness: enough to be analysed with."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 1, 1))
        self.register_buffer("scale", torch.full((1,), 0.01), persistent=False)

    def forward(self, tiles: Tensor) -> Tensor:
        return (tiles.float() * self.scale).mean(dim=3)[:, None] + self.bias


class MakesFile:
    """An object whose unpickling makes a file: what a foreign archive could do, in a harmless form."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def traced() -> ExportedProgram:
    sides = {0: Dim("batch", min=1, max=64), 1: 32 * Dim("rows", min=1, max=64), 2: 32 * Dim("columns", min=1, max=64)}
    tiles = (torch.zeros(2, 128, 192, 3, dtype=torch.uint8),)
    return torch.export.export(Brightness().eval(), tiles, dynamic_shapes={"tiles": sides}, strict=False)


def write_honest(path: Path, passport: Passport) -> None:
    """Write a program as `mesorch export` does."""

    def seal_of(graph_sha256: str) -> Seal:
        source = SourcePart(name=passport.name, sha256="0" * 64)
        return Seal(format="torch", precision="fp32", source=source, graph_sha256=graph_sha256, passport=passport)

    write_program(traced(), path, seal_of)


def parts_of(path: Path) -> tuple[Parts, Seal]:
    """Return an archive's entries below its root folder, and its seal."""
    with zipfile.ZipFile(path) as archive:
        parts = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
        seal = Seal.model_validate_json(archive.read(seal_name(archive)))
    return {name: data for name, data in parts.items() if not name.startswith("extra/")}, seal


def rewrite(source: Path, target: Path, change: Callable[[Parts], None], root: str = "archive/") -> Path:
    """Write a program with its parts changed, and a seal that fits: its maker can make one as well as we can."""
    parts, seal = parts_of(source)
    change(parts)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in parts.items():
            archive.writestr(root + name if root else name, data)
    with zipfile.ZipFile(made) as archive:
        fitting = seal.model_copy(update={"graph_sha256": entries_sha256(archive)})
        place = seal_name(archive)
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr(place, fitting.to_json())
    target.write_bytes(made.getvalue())
    return target


def in_json(name: str, change: Callable[[Any], None]) -> Callable[[Parts], None]:
    """Return a change of a part that is JSON."""

    def apply(parts: Parts) -> None:
        value = json.loads(parts[name])
        change(value)
        parts[name] = json.dumps(value).encode()

    return apply


def saved(value: object) -> bytes:
    """Return a value as PyTorch saves it, pickled."""
    made = io.BytesIO()
    torch.save(value, made)
    return made.getvalue()


def pickled_constant(place: str, marker: Path) -> Callable[[Parts], None]:
    """Return a change that adds a constant whose loading unpickles."""

    def apply(parts: Parts) -> None:
        parts[f"data/constants/{place}"] = (
            pickle.dumps(MakesFile(marker)) if "obj" in place else saved(MakesFile(marker))
        )
        config = json.loads(parts[CONSTANTS])
        entry = {"path_name": place, "is_param": False, "use_pickle": True, "tensor_meta": None}
        config["config"]["more"] = entry
        parts[CONSTANTS] = json.dumps(config).encode()

    return apply
