"""Give weights other rules, their tensors untouched: double quantisation, the map's threshold by photo, copies.

usage: new_rules.py OLD.safetensors OUT --version V [--quantisation RULE.json] [--copies RULE.json]
       [--threshold FLOOR,SHARE,TOP] [--figures SET=RUN ...]

RULE.json of `--quantisation` is what fit_quantisation.py wrote; `--copies` what fit_copies.py wrote. RUN is a folder that
`mesorch evaluate -o RUN` wrote with these rules: its figures take the place of the passport's of that SET. OUT gets the
weights, SHA256SUMS and the card; run it once without figures, evaluate, and once more with them.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

from publish import AREAS, SIDES, card, grouped

from mesorch_cli.network.passport import CopyRule, QuantisationRule, ThresholdRule
from mesorch_cli.network.store import record_sum
from mesorch_cli.network.weights import read_file, save_weights

NAME = "mesorch-s.safetensors"
KINDS = {"splice", "copy_move", "removal", "retouch"}
FIGURES = {
    "pixel_auc": "auc",
    "f1_at_threshold": "f1",
    "f1_at_best_threshold": "f1_best",
    "image_auc": "image_auc",
    "tampered_evidence": "tampered_flagged",
    "authentic_evidence": "authentic_flagged",
    "authentic_inconclusive_or_evidence": "authentic_not_cleared",
}


def measured(run: Path, before: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a set as the passport keeps them; what `evaluate` does not measure (the floors) stays."""
    found = json.loads((run / "evaluation.jsonl").read_text(encoding="utf-8").splitlines()[0])["figures"]
    with (run / "photos.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["tampered"] == "1"]
    auc = [float(row["auc"]) for row in rows]
    kinds: dict[str, list[float]] = {}
    for row, value in zip(rows, auc, strict=True):
        kind = row["photo"].rsplit("-", 1)[0]
        kinds.setdefault(kind if kind in KINDS else "all", []).append(value)
    areas = [float(row["tampered_share"]) for row in rows]
    sides = [max(int(row["width"]), int(row["height"])) for row in rows]
    return before | {
        **{name: round(found[key]["value"], 3) for name, key in FIGURES.items()},
        "pixel_auc_by_kind": {kind: round(sum(values) / len(values), 3) for kind, values in sorted(kinds.items())},
        "pixel_auc_by_area": grouped(areas, AREAS, auc),
        "pixel_auc_by_longest_side": grouped([float(side) for side in sides], SIDES, auc),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--quantisation", type=Path)
    parser.add_argument("--copies", type=Path)
    parser.add_argument("--threshold", default="0.02,0.2,0.005")
    parser.add_argument("--figures", nargs="*", default=[])
    args = parser.parse_args()
    passport, tensors, _ = read_file(args.old)
    floor, share, top = (float(value) for value in args.threshold.split(","))
    inference = passport.inference
    if args.quantisation is not None:
        rule = QuantisationRule.model_validate_json(args.quantisation.read_text(encoding="utf-8"))
        inference = inference.model_copy(update={"quantisation": rule})
    if args.copies is not None:
        copies = CopyRule.model_validate(json.loads(args.copies.read_text(encoding="utf-8"))["rule"])
        inference = inference.model_copy(update={"copies": copies})
    figures: dict[str, Any] = dict(passport.figures)
    for pair in args.figures:
        name, _, folder = pair.partition("=")
        figures[name] = measured(Path(folder), figures[name])
    changes = {
        "version": args.version,
        "inference": inference,
        "photo_threshold": ThresholdRule(floor=floor, share=share, top=top),
        "figures": figures,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / NAME
    final = passport.model_copy(update=changes)
    sha256 = save_weights(target, tensors, final)
    record_sum(target, sha256)
    (args.out / "mesorch-s.md").write_text(card(final, sha256), encoding="utf-8")
    print(f"{target}\t{sha256}")


if __name__ == "__main__":
    main()
