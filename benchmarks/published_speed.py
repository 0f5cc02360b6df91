"""How much faster the inference form is than the networks as published, and what that costs in exactness.

usage: published_speed.py [--threads 2] [--rounds 9] [--side 512] [--skip-memory]

One interleaved run: every round runs every case once (A B A B ...), so that a slow phase of the machine falls on all of them.
An image is run alone, with all threads, and as many images side by side as there are threads, a thread each (seconds then are
those of all divided by their number). Printed are medians, quartiles, the ratio of medians to the yardstick in float32 run in
the same way, the largest difference of the mask
(probability) to it and the share of mask pixels that flip at 0.5, on the parity photos with the parity values (random values
for mesorch-s). Peak memory is that of a fresh process which runs one input of 2048 x 2048 in one piece.
"""

import argparse
import platform
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import torch
from memory import peak_mib
from torch import Tensor, nn
from yardstick import Yardstick

from mesorch_cli.inference.speed import side_by_side
from mesorch_cli.network.config import CONFIGS, MESORCH_S
from mesorch_cli.network.folding import fold
from mesorch_cli.network.importing import convert
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.normalise import normalise
from tests.published import PARITY, PHOTOS, photo, published_state

FORMS = ("yardstick fp32", "folded fp32", "yardstick bf16", "folded bf16")
LARGE = 2048


def network_of(name: str) -> Mesorch:
    """Return a network with the values of the parity fixtures; mesorch-s with seeded random ones."""
    torch.manual_seed(0)
    config = CONFIGS[name]
    network = Mesorch(config).eval()
    if config is not MESORCH_S:
        tensors, _ = convert(published_state(name.replace("-", "_")), config, PARITY)
        network.load_state_dict(tensors, strict=True)
    return network


def run(form: nn.Module, image: Tensor, precision: str) -> Tensor:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        result: Tensor = form(image)
    return result.float()


def timed(form: nn.Module, image: Tensor, precision: str, threads: int, lanes: int) -> float:
    """Return the seconds of `lanes` runs at the same time, divided by their number."""

    def one() -> Tensor:
        torch.set_num_threads(max(1, threads // lanes))
        return run(form, image, precision)

    return side_by_side(one, lanes)


def measure(name: str, rounds: int, side: int, threads: int) -> None:
    network = network_of(name)
    forms = {"yardstick": Yardstick(network), "folded": fold(network)}
    image = torch.randn(1, 3, side, side).contiguous(memory_format=torch.channels_last)
    seconds: dict[tuple[str, int], list[float]] = {(form, lanes): [] for form in FORMS for lanes in (1, threads)}
    for round_number in range(rounds + 1):
        for (form, lanes), taken in seconds.items():
            which, precision = form.split()
            passed = timed(forms[which], image, precision, threads, lanes)
            if round_number:  # the first round warms up
                taken.append(passed)
    torch.set_num_threads(threads)
    photos = [torch.from_numpy(normalise(photo(which)))[None] for which in PHOTOS]
    truth = [run(forms["yardstick"], pixels, "fp32") for pixels in photos]
    for form in FORMS:
        which, precision = form.split()
        found = [run(forms[which], pixels, precision) for pixels in photos]
        off = max((a.sigmoid() - b.sigmoid()).abs().max().item() for a, b in zip(truth, found, strict=True))
        flips = max(((a > 0) != (b > 0)).float().mean().item() for a, b in zip(truth, found, strict=True))
        cells = []
        for lanes in (1, threads):
            low, middle, high = statistics.quantiles(seconds[form, lanes], n=4)
            base = statistics.median(seconds["yardstick fp32", lanes])
            cells += [f"{middle:.3f}", f"{low:.3f} .. {high:.3f}", f"{base / middle:.2f} x"]
        print(f"| {name} | {form} | {' | '.join(cells)} | {off:.1e} | {flips:.2%} |", flush=True)


def peak(name: str, form: str) -> None:
    """Run one large input in this process and print its peak memory in MiB."""
    network = network_of(name)
    made: nn.Module = fold(network) if form == "folded" else Yardstick(network)
    del network
    run(made, torch.randn(1, 3, LARGE, LARGE), "fp32")
    print(peak_mib())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--peak-of", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.peak_of:
        peak(*args.peak_of)
        return
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {args.threads} threads, ", end="")
    print(f"Python {platform.python_version()}, {args.side} x {args.side}, {args.rounds} interleaved rounds\n")
    print("| network | form | alone, s | quartiles | speed | ", end="")
    print("side by side, s | quartiles | speed | largest mask difference | mask pixels flipped |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in CONFIGS:
        measure(name, args.rounds, args.side, args.threads)
    if args.skip_memory:
        return
    print(f"\n| network | form | peak memory of one {LARGE} x {LARGE} input, MiB |\n|---|---|---|")
    for name in CONFIGS:
        for form in ("yardstick", "folded"):
            command = [sys.executable, __file__, "--threads", str(args.threads), "--peak-of", name, form]
            print(f"| {name} | {form} | {subprocess.check_output(command, text=True).strip()} |", flush=True)


if __name__ == "__main__":
    main()
