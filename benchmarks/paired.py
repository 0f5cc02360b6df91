"""What another way of analysing the same photos changes: differences between folders that `mesorch evaluate -o` wrote.

usage: paired.py FIRST OTHER [OTHER ...] [--area 0.01]

Reads `photos.csv` of each. Of the tampered photos that all have: mean pixel AUC and F1 at the threshold, and the difference
to the first with a 95 % interval by paired bootstrap; F1 apart for regions below and above a share of the photo. Of the
authentic ones: how many are called evidence, and inconclusive or worse.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

RESAMPLES = 4000
COLUMNS = ("auc", "f1")


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    """Return the analysed photos of a folder by name."""
    with (folder / "photos.csv").open(newline="") as file:
        return {row["photo"]: row for row in csv.DictReader(file) if row["status"] == "analysed"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--area", type=float, default=0.01)
    args = parser.parse_args()
    runs = {folder.name: rows_of(folder) for folder in args.folders}
    names = sorted(set.intersection(*(set(rows) for rows in runs.values())))
    first = next(iter(runs.values()))
    tampered = [name for name in names if first[name]["tampered"] == "1"]
    authentic = [name for name in names if first[name]["tampered"] == "0"]
    if tampered:
        values = {
            run: np.array([[float(rows[name][column]) for column in COLUMNS] for name in tampered])
            for run, rows in runs.items()
        }
        base = next(iter(values.values()))
        small = np.array([float(first[name]["tampered_share"]) < args.area for name in tampered])
        drawn = np.random.default_rng(0).integers(0, len(tampered), (RESAMPLES, len(tampered)))
        print(f"{len(tampered)} tampered photos, {small.sum()} with regions below {args.area:.1%} of the photo\n")
        print("| run | AUC | difference | F1 | difference | F1 of small regions | of the others |")
        print("|---|---|---|---|---|---|---|")
        for run, found in values.items():
            difference = found - base
            low, high = np.percentile(difference[drawn].mean(axis=1), [2.5, 97.5], axis=0)
            told = [f"{difference[:, i].mean():+.3f} [{low[i]:+.3f}, {high[i]:+.3f}]" for i in range(len(COLUMNS))]
            auc, f1 = found.mean(axis=0)
            apart = f"{found[small, 1].mean():.3f} | {found[~small, 1].mean():.3f}"
            print(f"| {run} | {auc:.3f} | {told[0]} | {f1:.3f} | {told[1]} | {apart} |")
    if authentic:
        print(
            f"\n{len(authentic)} authentic photos\n\n| run | called evidence | inconclusive or worse |\n|---|---|---|"
        )
        for run, rows in runs.items():
            verdicts = [rows[name]["verdict"] for name in authentic]
            flagged = verdicts.count("evidence of manipulation")
            print(f"| {run} | {flagged} | {flagged + verdicts.count('inconclusive')} |")


if __name__ == "__main__":
    main()
