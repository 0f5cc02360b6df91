"""What compiling ahead of time (AOTInductor) gains over eager PyTorch and ONNX Runtime on a CPU.

usage: aot_speed.py [--weights mesorch-s] [--rounds 12] [--threads 1]

Traces the export graph at the weights' own input side, compiles it with constants folded in (needs a C++ compiler, minutes),
then runs one tile (a photo of scikit-image) through eager, ONNX Runtime and the compiled package, interleaved. Medians
of CPU seconds.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch._inductor
from numpy.typing import NDArray

from mesorch_cli.export.onnx import build_model
from mesorch_cli.export.parity import squashed
from mesorch_cli.export.photos import standard_photos
from mesorch_cli.inference.backends.eager import TorchBackend
from mesorch_cli.network.graph import TileGraph
from mesorch_cli.network.store import find_weights
from mesorch_cli.network.weights import load_weights


def main() -> None:
    import onnxruntime

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    weights = load_weights(find_weights(args.weights))
    eager = TorchBackend(weights.network, "cpu")
    side = weights.passport.input.side
    tile = squashed(standard_photos()["astronaut"], side, side)[None]

    with torch.no_grad():
        program = torch.export.export(TileGraph(weights.network), (torch.from_numpy(tile),))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(
        build_model(program).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        package = torch._inductor.aoti_compile_and_package(
            program, package_path=f"{folder}/tile.pt2", inductor_configs={"freezing": True}
        )
        seconds = time.perf_counter() - started
        compiled = torch._inductor.aoti_load_package(package)
        forms: dict[str, Callable[[], NDArray[np.float32]]] = {
            "eager": lambda: eager(tile),
            "ONNX Runtime": lambda: session.run(None, {session.get_inputs()[0].name: tile})[0],
            "AOTInductor": lambda: compiled(torch.from_numpy(tile)).numpy(),
        }
        print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, Python {platform.python_version()}")
        print(
            f"{weights.passport.name} {weights.passport.version}, 1 x {side} x {side}, {args.threads} threads, "
            f"{args.rounds} rounds; {seconds:.0f} s to compile, {Path(package).stat().st_size / 1e6:.1f} MB"
        )
        report(forms, args.rounds)


def report(forms: dict[str, Callable[[], NDArray[np.float32]]], rounds: int) -> None:
    """Time the forms in turn and print a table."""
    results = {name: run() for name, run in forms.items()}
    taken: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(rounds):
        for name, run in forms.items():
            started = time.process_time()
            run()
            taken[name].append(time.process_time() - started)
    eager = statistics.median(taken["eager"])
    print(
        "\n| form | CPU ms a tile, median | fastest | against eager | largest logit difference |\n|---|---|---|---|---|"
    )
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        apart = float(np.abs(results[name] - results["eager"]).max())
        print(f"| {name} | {middle * 1e3:.1f} | {min(seconds) * 1e3:.1f} | {eager / middle:.2f} x | {apart:.1e} |")


if __name__ == "__main__":
    main()
