"""How far exported files are from PyTorch: networks by forms by precisions, on the parity photos and on real ones.

usage: export_parity.py FOLDER [--networks mesorch-s mesorch-p mesorch] [--forms "onnx fp32" ...] [--count 5] [--quick]

FOLDER holds real photos, of which the first `--count` are taken. mesorch-s runs with its shipped weights, the others with
the parity values. Every photo alone at 512 x 512, then batches of 1 and 5 at 512 x 512 and 768 x 1024 (--quick: no batch of
5 at the larger size). A line is printed as soon as a form is done. Nothing is gated here: what is over a tolerance is shown.
"""

import argparse
import hashlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
from onnx import ModelProto
from published_speed import network_of
from torch.export import ExportedProgram

from mesorch_cli.export.onnx import SealOf, build_model, write_onnx
from mesorch_cli.export.openvino import write_openvino
from mesorch_cli.export.parity import Difference, ParityInput, difference, squashed
from mesorch_cli.export.photos import folder_photos
from mesorch_cli.export.program import write_program
from mesorch_cli.export.trace import trace
from mesorch_cli.inference.backends.eager import TorchBackend
from mesorch_cli.inference.exported import Seal, SourcePart
from mesorch_cli.inference.loading import open_exported
from mesorch_cli.network.config import CONFIGS
from mesorch_cli.network.families import family_of
from mesorch_cli.network.localiser import Localiser
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.store import find_weights
from mesorch_cli.network.weights import load_weights
from tests.published import PHOTOS, photo

FORMS = ("onnx fp32", "torch fp32", "openvino fp32", "openvino fp16", "onnx fp16")
SUFFIXES = {"onnx": ".onnx", "torch": ".pt2", "openvino": ".xml"}


def loaded(name: str) -> tuple[Localiser, Passport]:
    """Return a network with values that mean something, or the parity values."""
    if name == "mesorch-s":
        weights = load_weights(find_weights(name))
        return weights.network, weights.passport
    return network_of(name), Passport(name=name, version="parity values", network=CONFIGS[name], licence="none")


def inputs(real: dict[str, np.ndarray], quick: bool) -> list[ParityInput]:
    found = [ParityInput(name, photo(name)[None]) for name in PHOTOS]
    found += [ParityInput(name, squashed(pixels, 512, 512)[None]) for name, pixels in real.items()]
    pixels = list(real.values())
    sizes = [(5, 512, 512), (1, 768, 1024)] + ([] if quick else [(5, 768, 1024)])
    for batch, height, width in sizes:
        taken = [squashed(pixels[index % len(pixels)], height, width) for index in range(batch)]
        found.append(ParityInput("sizes", np.stack(taken)))
    return found


def seal_maker(passport: Passport, label: str) -> SealOf:
    """Return what seals a file of `label`; nobody keeps these files, so no weights file is named."""
    form, precision = label.split()
    rule = passport.inference.model_copy(update={"precision": precision})
    source = SourcePart(name=passport.name, sha256=hashlib.sha256(b"").hexdigest())
    own = passport.model_copy(update={"inference": rule})
    return lambda graph_sha256: Seal(
        format=form, precision=precision, source=source, graph_sha256=graph_sha256, passport=own
    )


class Maker:
    """Writes one network in any form; traces it once for each arithmetic."""

    def __init__(self, network: Localiser, passport: Passport, folder: Path) -> None:
        self.network, self.passport, self.folder = network, passport, folder
        self.programs: dict[str, ExportedProgram] = {}
        self.models: dict[str, ModelProto] = {}

    def write(self, label: str) -> Path:
        form, precision = label.split()
        # OpenVINO keeps half-precision constants by itself.
        arithmetic: Literal["fp16", "fp32"] = "fp16" if label == "onnx fp16" else "fp32"
        if arithmetic not in self.programs:
            self.programs[arithmetic] = trace(family_of(self.passport.network).graph(self.network, arithmetic))
        program = self.programs[arithmetic]
        path = self.folder / f"{label.replace(' ', '-')}{SUFFIXES[form]}"
        seal_of = seal_maker(self.passport, label)
        if form == "torch":
            write_program(program, path, seal_of)
            return path
        if arithmetic not in self.models:
            self.models[arithmetic] = build_model(program)
        if form == "onnx":
            write_onnx(self.models[arithmetic], path, seal_of)
        else:
            write_openvino(self.models[arithmetic], path, seal_of, half=precision == "fp16")
        return path


def show(name: str, label: str, rows: list[Difference], photos: int, path: Path, seconds: float) -> None:
    """Print the lines of one form: the parity photos, the real ones, every size."""
    size = sum(one.stat().st_size for one in (path, path.with_suffix(".bin")) if one.exists()) / 1e6
    groups = {"fixtures": rows[: len(PHOTOS)], "real photos": rows[len(PHOTOS) : photos]}
    groups |= {f"{row.batch} x {row.height} x {row.width}": [row] for row in rows[photos:]}
    for case, group in groups.items():
        flipped = [row.flipped for row in group]
        print(
            f"| {name} | {label} | {case} | {max(row.logits for row in group):.1e} | {sum(flipped) / len(flipped):.4%} | "
            f"{max(flipped):.4%} | {size:.1f} | {seconds:.0f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--networks", nargs="+", default=["mesorch-s", "mesorch-p", "mesorch"])
    parser.add_argument("--forms", nargs="+", default=list(FORMS))
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    real = dict(list(folder_photos(args.folder).items())[: args.count])
    given = inputs(real, args.quick)
    print("| network | form | case | largest logit difference | mask pixels flipped | largest | MB | s to make |")
    print("|---|---|---|---|---|---|---|---|")
    for name in args.networks:
        network, passport = loaded(name)
        reference = TorchBackend(network, "cpu")
        wanted = [np.concatenate([reference(tile[None]) for tile in case.tiles]) for case in given]
        with tempfile.TemporaryDirectory() as folder:
            maker = Maker(network, passport, Path(folder))
            for label in args.forms:
                started = time.perf_counter()
                path = maker.write(label)
                seconds = time.perf_counter() - started
                backend = open_exported(path).start("cpu", label.split()[1])
                rows = [
                    difference(case.name, truth, backend(case.tiles), passport.threshold)
                    for case, truth in zip(given, wanted, strict=True)
                ]
                show(name, label, rows, len(PHOTOS) + len(real), path, seconds)


if __name__ == "__main__":
    main()
