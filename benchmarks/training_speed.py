"""Samples per second and peak memory of training, against a plain restatement of the published loop.

usage: training_speed.py [--threads 2] [--rounds 5] [--batch 2] [--side 512] [--networks mesorch,mesorch-s]
                         [--loops plain,fp32,bf16,quick] [--release]

Plain: the open form with dense DCT and explicit attention (`yardstick.py`), float32, pixel BCE, AdamW. Ours: the network
as the trainer runs it with frozen batch norms, its loss, AdamW with clipping: in float32, in bf16, and in bf16 with the
gradients of depthwise convolutions in float32 (`quick`), which the trainer takes where bf16 is faster. One interleaved run;
forging is not counted, it has workers of its own. Peak memory is that of a fresh process that makes two steps. In place of
a name a weights file may stand, whose passport tells the network. Freed memory stays with the process, as in `mesorch train`;
with --release it goes back to the system, as in an ordinary process. One process cannot do both, so run it twice.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch
from memory import peak_mib
from torch import nn
from yardstick import Yardstick

from mesorch_cli.network.config import CONFIGS, NetworkConfig
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.weights import read_file
from mesorch_cli.training.allocation import keep_freed_memory
from mesorch_cli.training.depthwise import QuickDepthwise
from mesorch_cli.training.loss import localisation_loss
from mesorch_cli.training.optimisation import freeze_norms


def network_of(name: str) -> Mesorch:
    """Return the network of a name or of a weights file, with random values."""
    if name in CONFIGS:
        return Mesorch(CONFIGS[name])
    config = read_file(Path(name))[0].network
    assert isinstance(config, NetworkConfig)
    return Mesorch(config)


def plain_step(name: str, batch: int, side: int) -> Callable[[], None]:
    network = Yardstick(network_of(name)).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.05)
    loss = nn.BCEWithLogitsLoss()

    def step() -> None:
        image, mask = torch.randn(batch, 3, side, side), (torch.rand(batch, 1, side, side) < 0.1).float()
        optimiser.zero_grad()
        loss(network(image), mask).backward()
        optimiser.step()

    return step


def our_step(name: str, batch: int, side: int, precision: str = "fp32") -> Callable[[], None]:
    network = network_of(name).train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    freeze_norms(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.05)

    def step() -> None:
        image, mask = torch.randn(batch, 3, side, side), (torch.rand(batch, 1, side, side) < 0.1).float()
        optimiser.zero_grad()
        image = image.contiguous(memory_format=torch.channels_last)
        quick = QuickDepthwise() if precision == "quick" else nullcontext()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision != "fp32"), quick:
            logits = network(image)
        localisation_loss(logits, mask, dice_weight=0.2).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()

    return step


STEPS = {"plain": plain_step} | {name: partial(our_step, precision=name) for name in ("fp32", "bf16", "quick")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--networks", default="mesorch,mesorch-s")
    parser.add_argument("--loops", default=",".join(STEPS))
    parser.add_argument("--release", action="store_true")
    parser.add_argument("--peak-of", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    kept = not args.release and keep_freed_memory()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if args.peak_of:
        step = STEPS[args.peak_of[1]](args.peak_of[0], args.batch, args.side)
        step()
        step()
        print(peak_mib())
        return
    print(f"torch {torch.__version__}, {args.threads} threads, Python {platform.python_version()}, ", end="")
    print(f"batches of {args.batch} at {args.side} x {args.side}, {args.rounds} interleaved rounds, ", end="")
    print(f"freed memory {'kept' if kept else 'released'}\n")
    print("| network | loop | samples per second | seconds per step, quartiles | speed | peak memory, MiB |")
    print("|---|---|---|---|---|---|")
    for name in args.networks.split(","):
        steps = {loop: STEPS[loop](name, args.batch, args.side) for loop in args.loops.split(",")}
        seconds: dict[str, list[float]] = {loop: [] for loop in steps}
        for round_number in range(args.rounds + 1):
            for loop, step in steps.items():
                started = time.perf_counter()
                step()
                if round_number:  # the first round warms up
                    seconds[loop].append(time.perf_counter() - started)
        del steps
        base = statistics.median(next(iter(seconds.values())))  # the first loop, which is `plain` by default
        for loop, times in seconds.items():
            sizes = ("--batch", str(args.batch), "--side", str(args.side), "--threads", str(args.threads))
            release = ("--release",) if args.release else ()
            peak = subprocess.check_output(
                [sys.executable, __file__, *sizes, *release, "--peak-of", name, loop], text=True
            ).strip()
            low, middle, high = statistics.quantiles(times, n=4)
            print(
                f"| {name} | {loop} | {args.batch / middle:.2f} | {low:.2f} .. {high:.2f} | {base / middle:.2f} x | {peak} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
