"""What the levels of the analysis are worth, and how much each should weigh in the fusion.

usage: fit_levels.py WEIGHTS OUT            writes one weights file for every choice of levels, and prints what to run
       fit_levels.py --table RUN            prints the table from what that run measured

`mesorch evaluate` measures the files side by side; their tensors are the same, their passports differ in the levels alone.
`publish.py` keeps what was chosen, as LEVELS.
"""

import argparse
from pathlib import Path

from measured import lines_of

from mesorch_cli.network.rules import Scale
from mesorch_cli.network.store import record_sum
from mesorch_cli.network.weights import read_file, save_weights

KINDS = (Scale(kind="whole"), Scale(kind="mirrored"), Scale(kind="tiles", long_side=0))
WEIGHTS = (  # of whole, mirrored, native
    (1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.0, 0.0, 1.0),
    (1.0, 0.0, 1.0), (0.7, 0.0, 1.0), (0.5, 0.0, 1.0),
    (0.5, 0.5, 1.0), (0.35, 0.35, 1.0), (0.25, 0.25, 1.0), (0.7, 0.7, 1.0),
)  # fmt: skip


def write_choices(weights: Path, out: Path) -> list[Path]:
    """Write a weights file for each of WEIGHTS; levels that weigh nothing are left out."""
    passport, tensors, _ = read_file(weights)
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for choice in WEIGHTS:
        levels = tuple(
            level.model_copy(update={"weight": weight}) for level, weight in zip(KINDS, choice, strict=True) if weight
        )
        name = "levels-" + "-".join(f"{weight:g}" for weight in choice)
        inference = passport.inference.model_copy(update={"scales": levels})
        target = out / f"{name}.safetensors"
        own = passport.model_copy(update={"name": name, "inference": inference, "figures": {}})
        record_sum(target, save_weights(target, tensors, own))
        written.append(target)
    return written


def table(run: Path) -> list[str]:
    """Return the table of a run, a line for every choice."""
    lines = ["| whole | mirrored | native | pixel AUC | F1 at the set's best threshold |", "|---|---|---|---|---|"]
    for line in lines_of(run):
        shown = " | ".join(line["weights"]["name"].removeprefix("levels-").split("-"))
        auc, f1 = (line["figures"][name]["value"] for name in ("auc", "f1_best"))
        lines.append(f"| {shown} | {auc:.3f} | {f1:.3f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="?")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--table", type=Path, metavar="RUN")
    args = parser.parse_args()
    if args.table is not None:
        print("\n".join(table(args.table)))
    elif args.weights is not None and args.out is not None:
        files = " ".join(f"-w {path}" for path in write_choices(args.weights, args.out))
        print(f"mesorch evaluate SET {files} --no-copies --no-quantisation --no-history --no-grain --no-plots -o RUN")
    else:
        parser.error("expected WEIGHTS and OUT, or --table RUN")


if __name__ == "__main__":
    main()
