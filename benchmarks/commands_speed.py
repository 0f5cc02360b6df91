"""Whole commands against each other, from typing to the end, processes interleaved.

usage: commands_speed.py [--rounds 5] NAME=COMMAND [NAME=COMMAND ...]

Every round runs every command once, in a process of its own that starts from nothing (A B A B ...), so that a slow phase of
the machine falls on all of them; one round before warms the disk. Printed are medians and quartiles of wall seconds, medians
of CPU seconds (children included) and of peak memory, and ratios of medians to the first. A command may set its own
variables (`env PYTHONPATH=... python -m mesorch_cli ...`), so that checkouts can be compared. The round before also leaves
compiled modules, as an installation has them, even if this process was told to write none.
"""

import argparse
import os
import platform
import shlex
import statistics
import subprocess
import time


def run(command: list[str], accepted: tuple[int, ...] = (0,)) -> dict[str, float]:
    """Run a command and return its wall and CPU seconds and its peak memory in MiB. accepted: exit codes."""
    started = time.perf_counter()
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=variables) as process:
        assert process.stderr is not None
        words = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in accepted:
        raise SystemExit(
            f"{shlex.join(command)} ended with code {process.returncode}: {words.decode(errors='replace')[-300:]}"
        )
    return {
        "wall": time.perf_counter() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.rounds < 2:
        parser.error("--rounds must be at least 2, as one run has no quartiles")
    commands = {name: shlex.split(text) for name, text in (entry.split("=", 1) for entry in args.commands)}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for round_number in range(args.rounds + 1):
        for name, command in commands.items():
            taken = run(command)
            if round_number:
                found[name].append(taken)
    load = f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores"
    print(f"Python {platform.python_version()}, {args.rounds} interleaved rounds, {load}\n")
    print(
        "| command | wall, s | quartiles | cpu, s | memory, MiB | wall, ratio | cpu, ratio |\n|---|---|---|---|---|---|---|"
    )
    base: dict[str, float] = {}
    for name, runs in found.items():
        middle = {what: statistics.median(one[what] for one in runs) for what in ("wall", "cpu", "memory")}
        base = base or middle
        low, _, high = statistics.quantiles([one["wall"] for one in runs], n=4)
        cells = [f"{middle['wall']:.2f}", f"{low:.2f} .. {high:.2f}", f"{middle['cpu']:.2f}", f"{middle['memory']:.0f}"]
        cells += [f"{base[what] / middle[what]:.2f} x" for what in ("wall", "cpu")]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
