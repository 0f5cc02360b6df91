"""Train one network as several runs that meet: each takes steps on samples of its own, and now and then all get their mean.

usage: side_by_side.py TRAINING.toml FOLDER --rounds N --minutes M [--decay-rounds D] [--cores 0,1]

Each run has one core and a seed of its own (the file's plus its number), and needs no other run while it takes its steps, so
a core that is also used for something else does not hold up the rest. After each round of M minutes all stop as Ctrl-C stops
them; weights, moving averages and moments of the optimiser become their means, weighted by the steps of the round (local SGD:
Stich, ICLR 2019). In the last D rounds the learning rate falls to zero by about the last step. FOLDER gets `0/`, `1/`, ... as
`mesorch train` writes them, and `rounds.jsonl`; the runs' own training files lie beside TRAINING.toml. The same call goes on
where an earlier one ended.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import torch

ENDLESS = 10**6  # steps; the run is stopped before


def training_file(base: Path, number: int, steps: int, decay_steps: int) -> Path:
    """Write the training file of one run beside the shared one, which it extends, and return its path."""
    seed = tomllib.loads(base.read_text())["seed"] + number
    text = f'extends = "{base.name}"\nseed = {seed}\n\n[schedule]\nsteps = {steps}\ndecay_steps = {decay_steps}\n'
    if decay_steps:  # the warm-up is long over
        text += "warmup_steps = 0\n"
    path = base.with_name(f"{base.stem}.run{number}.toml")
    path.write_text(text)
    return path


def mean(states: list[dict], weights: list[float]) -> dict:
    """Return the weighted mean of equal structures of tensors. Everything else is taken from the first."""
    first = states[0]
    if isinstance(first, torch.Tensor):
        if not first.is_floating_point():
            return first
        return sum(state * weight for state, weight in zip(states, weights, strict=True))
    if isinstance(first, dict):
        return {key: mean([state[key] for state in states], weights) for key in first}
    return first


def meet(checkpoints: list[Path], before: list[int]) -> list[int]:
    """Give every checkpoint the means. Return the steps of each."""
    states = [torch.load(path, map_location="cpu", weights_only=True) for path in checkpoints]
    taken = [state["step"] - start for state, start in zip(states, before, strict=True)]
    weights = [count / sum(taken) for count in taken]
    shared = {key: mean([state[key] for state in states], weights) for key in ("model", "ema")}
    moments = mean([state["optimizer"]["state"] for state in states], weights)
    for path, state in zip(checkpoints, states, strict=True):
        state |= shared
        for key, found in moments.items():
            state["optimizer"]["state"][key] = found | {"step": state["optimizer"]["state"][key]["step"]}
        torch.save(state, path)
    return [state["step"] for state in states]


def decay_of(reached: list[list[int]], turn: int, decay_rounds: int, rounds: int) -> list[tuple[int, int]]:
    """Return for each run its last step, and over how many steps the rate falls, in a round.

    reached: the steps of every run at the start and after each round. In the last rounds, the rate falls over as many
    steps as the last round before them suggests; everything follows from the log, so a call that goes on agrees.
    """
    first = rounds - decay_rounds
    if turn < first:
        return [(ENDLESS, 0) for _ in reached[0]]
    pace = [after - before for before, after in zip(reached[first - 1], reached[first], strict=True)]
    return [(begun + one * decay_rounds, one * decay_rounds) for begun, one in zip(reached[first], pace, strict=True)]


def take_steps(commands: list[list[str]], seconds: float) -> None:
    """Run the commands side by side for a while, then stop them as Ctrl-C does. Whatever happens, none is left behind."""
    runs = [subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}) for command in commands]
    try:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and any(run.poll() is None for run in runs):
            time.sleep(1)
    finally:
        for run in runs:
            if run.poll() is None:
                run.send_signal(signal.SIGINT)
        codes = [run.wait() for run in runs]
    if any(code not in (0, 130) for code in codes):
        raise SystemExit(f"runs ended with {codes}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("training", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--decay-rounds", type=int, default=2)
    parser.add_argument("--cores", default="0,1")
    args = parser.parse_args()
    if not 0 <= args.decay_rounds < args.rounds:
        parser.error("--decay-rounds must be less than --rounds, because its length is taken from the round before")
    cores = args.cores.split(",")
    args.folder.mkdir(parents=True, exist_ok=True)
    log = args.folder / "rounds.jsonl"
    done = [json.loads(line)["steps"] for line in log.read_text().splitlines()] if log.exists() else []
    reached: list[list[int]] = [[0] * len(cores), *done]
    folders = [args.folder / str(number) for number in range(len(cores))]
    for turn in range(len(done), args.rounds):
        started = time.monotonic()
        commands = []
        for number, (steps, decay_steps) in enumerate(decay_of(reached, turn, args.decay_rounds, args.rounds)):
            file = training_file(args.training, number, steps, decay_steps)
            command = ["taskset", "-c", cores[number], sys.executable, "-m", "mesorch_cli", "train", str(file)]
            commands.append([*command, "-o", str(folders[number]), "-q"])
        take_steps(commands, args.minutes * 60)
        reached.append(meet([folder / "checkpoint.pt" for folder in folders], reached[-1]))
        with log.open("a") as out:
            line = {"round": turn, "steps": reached[-1], "seconds": round(time.monotonic() - started)}
            out.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
