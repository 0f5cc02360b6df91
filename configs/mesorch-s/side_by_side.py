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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("training", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--decay-rounds", type=int, default=2)
    parser.add_argument("--cores", default="0,1")
    args = parser.parse_args()
    cores = [int(core) for core in args.cores.split(",")]
    args.folder.mkdir(parents=True, exist_ok=True)
    log = args.folder / "rounds.jsonl"
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    steps = done[-1]["steps"] if done else [0] * len(cores)
    pace = [0] * len(cores)
    checkpoints = [args.folder / str(number) / "checkpoint.pt" for number in range(len(cores))]
    files: list[Path] = []
    for turn in range(len(done), args.rounds):
        if turn == args.rounds - args.decay_rounds:  # the decay begins now, over as many steps as the pace allows
            files = [
                training_file(args.training, number, steps[number] + pace[number] * args.decay_rounds,
                              pace[number] * args.decay_rounds)
                for number in range(len(cores))
            ]  # fmt: skip
        elif not files:
            files = [training_file(args.training, number, 10**6, 0) for number in range(len(cores))]
        started = time.monotonic()
        runs = [
            subprocess.Popen(
                ["taskset", "-c", str(core), sys.executable, "-m", "mesorch_cli", "train", str(file), "-o",
                 str(args.folder / str(number)), "-q"],
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
            for number, (core, file) in enumerate(zip(cores, files, strict=True))
        ]  # fmt: skip
        while time.monotonic() - started < args.minutes * 60 and any(run.poll() is None for run in runs):
            time.sleep(1)
        for run in runs:
            if run.poll() is None:
                run.send_signal(signal.SIGINT)
        codes = [run.wait() for run in runs]
        if any(code not in (0, 130) for code in codes):
            raise SystemExit(f"runs ended with {codes}")
        now = meet(checkpoints, steps)
        pace = [max(1, after - before) for after, before in zip(now, steps, strict=True)]
        steps = now
        with log.open("a") as out:
            out.write(json.dumps({"round": turn, "steps": steps, "seconds": round(time.monotonic() - started)}) + "\n")


if __name__ == "__main__":
    main()
