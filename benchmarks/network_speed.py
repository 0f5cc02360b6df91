"""Seconds per 512 x 512 input of the three networks, float32 and bf16, in one interleaved run.

usage: network_speed.py [--threads 2] [--rounds 7]

Random weights: speed does not depend on them. Each round runs every case once, so that a slow phase of the machine
falls on all of them; medians and the spread (quartiles) over the rounds are printed as a Markdown table.
"""

import argparse
import platform
import statistics
import time

import torch

from mesorch_cli.network.config import CONFIGS
from mesorch_cli.network.mesorch import Mesorch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    image = torch.randn(1, 3, 512, 512)
    networks = {name: Mesorch(config).eval() for name, config in CONFIGS.items()}
    seconds: dict[tuple[str, str], list[float]] = {}
    for round_number in range(args.rounds + 1):
        for name, network in networks.items():
            for precision in ("fp32", "bf16"):
                started = time.perf_counter()
                with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                    network(image)
                if round_number:  # the first round warms up
                    seconds.setdefault((name, precision), []).append(time.perf_counter() - started)
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {args.threads} threads, ", end="")
    print(f"{platform.machine()}, Python {platform.python_version()}, median of {args.rounds} interleaved rounds\n")
    print("| network | parameters | precision | seconds | quartiles |\n|---|---|---|---|---|")
    for (name, precision), times in seconds.items():
        low, _, high = statistics.quantiles(times, n=4)
        count = sum(p.numel() for p in networks[name].parameters()) / 1e6
        print(f"| {name} | {count:.1f} M | {precision} | {statistics.median(times):.3f} | {low:.3f} .. {high:.3f} |")


if __name__ == "__main__":
    main()
