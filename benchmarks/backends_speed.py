"""From typing to verdict: `mesorch detect` on one photo, by form of the weights, processes interleaved.

usage: backends_speed.py PHOTO WEIGHTS... [--rounds 3] [--threads 2]

WEIGHTS: names or files as `--weights` takes them; the first is what the others are compared with. Every round runs every
form once, each in a process of its own that starts from nothing (A B C A B C ...), so that a slow phase of the machine falls
on all of them. Printed are medians over the rounds of wall and CPU seconds of the whole process, of the seconds before the
photo was looked at and in the analysis (from the record), and ratios of medians. On a busy machine trust CPU and ratios.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(photo: Path, weights: str, threads: int) -> dict[str, float]:
    """Run one process and return what it took, in seconds, with its number of tiles."""
    command = [sys.executable, "-m", "mesorch_cli", "detect", str(photo), "--no-artefacts", "--json", "--quiet"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    started, began = time.perf_counter(), time.time()
    with subprocess.Popen([*command, "--weights", weights], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        line = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{weights}: exit code {process.returncode}")
    record = json.loads(line)
    ready = datetime.fromisoformat(record["timing"]["started_at"]).timestamp() - began
    return {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "start": ready,
        "read": record["timing"]["read_s"],
        "analysis": record["timing"]["analyse_s"],
        "tiles": record["analysis"]["tiles"],
        "memory": usage.ru_maxrss / 1024,
        "score": record["result"]["score"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    print(
        f"{platform.processor() or platform.machine()}, {args.threads} threads, Python {platform.python_version()}, ",
        end="",
    )
    print(
        f"{args.photo.name}, {args.rounds} interleaved rounds, load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores\n"
    )
    found: dict[str, list[dict[str, float]]] = {weights: [] for weights in args.weights}
    for _ in range(args.rounds):
        for weights in args.weights:
            found[weights].append(run(args.photo, weights, args.threads))
            print(f"<!-- {weights} {found[weights][-1]} -->", flush=True)
    names = ("wall", "cpu", "start", "read", "analysis", "tiles", "memory", "score")
    print("\n| weights | " + " | ".join(names) + " | wall, ratio | cpu, ratio |")
    print("|---" * (len(names) + 3) + "|")
    base = {name: statistics.median(one[name] for one in found[args.weights[0]]) for name in ("wall", "cpu")}
    for weights, runs in found.items():
        middle = {name: statistics.median(one[name] for one in runs) for name in names}
        figures = " | ".join(f"{middle[name]:.4g}" for name in names)
        ratios = " | ".join(f"{base[name] / middle[name]:.2f} x" for name in ("wall", "cpu"))
        print(f"| {Path(weights).name} | {figures} | {ratios} |")


if __name__ == "__main__":
    main()
