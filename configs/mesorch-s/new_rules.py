"""Give weights other rules and figures, their tensors untouched, and write the card.

usage: new_rules.py OLD.safetensors OUT --version V [--needs-tool V] [--calibration FILE] [--quantisation FILE]
       [--history FILE] [--grain FILE] [--copies FILE] [--threshold FLOOR,SHARE,TOP | --threshold-of RUN]
       [--edges LONG_SIDE,RADIUS,SMOOTHNESS] [--least THRESHOLD]
       [--figures SET=RUN ...] [--domains SET=FOLDER ...] [--probes RUN] [--first-look DETAIL,SHARE] [--limits]

`--calibration` is what `mesorch calibrate` wrote, `--quantisation` what fit_quantisation.py or fit_fusion.py, `--history`
and `--grain` what fit_blocks.py, `--copies` what fit_copies.py. `--needs-tool` names the oldest version of mesorch that
knows all rules. RUN is a folder that `mesorch evaluate -o RUN` wrote about OLD: `--threshold-of` takes its best threshold
for all photos, `--threshold` sets one by photo, `--figures` takes its figures. A run about other weights is refused.
`--least` is the least threshold of a photo without evidence. `--edges` says how the map's edges are moved (fit_edges.py), and
`--first-look` which tiles are left out. Figures that are not measured again are dropped when a rule changes, as they
speak of the old rules. `--domains` adds to a set's figures what its photos are like (domains.py), so that results say of a
photo that it is unlike them; FOLDER is the set that `mesorch evaluate` took. `--probes` adds what `mesorch probe -o RUN`
found. `--limits` states the limits that publish.py has now. OUT gets the weights, SHA256SUMS and the card.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from card import card
from domains import with_domain
from measured import PROBES, figures_of, probes_of, result_of, score_rule_of
from publish import LIMITS

from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import (
    CopyRule,
    EdgeRule,
    FirstLookRule,
    GrainRule,
    HistoryRule,
    QuantisationRule,
    ThresholdRule,
)
from mesorch_cli.network.store import record_sum
from mesorch_cli.network.weights import read_file, save_weights

NAME = "mesorch-s.safetensors"


def rules(args: argparse.Namespace, passport: Passport, sha256: str) -> dict[str, Any]:
    """Return the parts of the passport that the options change."""
    changed: dict[str, Any] = {}
    inference = passport.inference
    if args.quantisation is not None:
        rule = QuantisationRule.model_validate_json(args.quantisation.read_text(encoding="utf-8"))
        inference = inference.model_copy(update={"quantisation": rule})
    if args.history is not None:
        history = HistoryRule.model_validate_json(args.history.read_text(encoding="utf-8"))
        inference = inference.model_copy(update={"history": history})
    if args.grain is not None:
        grain = GrainRule.model_validate_json(args.grain.read_text(encoding="utf-8"))
        inference = inference.model_copy(update={"grain": grain})
    if args.copies is not None:
        copies = CopyRule.model_validate(json.loads(args.copies.read_text(encoding="utf-8"))["rule"])
        inference = inference.model_copy(update={"copies": copies})
    if args.first_look is not None:
        detail, share = (float(value) for value in args.first_look.split(","))
        inference = inference.model_copy(update={"first_look": FirstLookRule(detail=detail, share=share)})
    if args.edges is not None:
        long_side, radius, smoothness = args.edges.split(",")
        edges = EdgeRule(long_side=int(long_side), radius=int(radius), smoothness=float(smoothness))
        inference = inference.model_copy(update={"edges": edges})
    if inference != passport.inference:
        changed["inference"] = inference
    if args.calibration is not None:
        changed["score"] = score_rule_of(args.calibration, sha256)
    if args.limits:
        changed["limits"] = LIMITS
    if args.needs_tool is not None and args.needs_tool != passport.needs_tool:
        changed["needs_tool"] = args.needs_tool
    if args.threshold is not None:
        floor, share, top = (float(value) for value in args.threshold.split(","))
        changed["photo_threshold"] = ThresholdRule(floor=floor, share=share, top=top)
    if args.least is not None and args.threshold_of is not None:
        raise SystemExit("--least and --threshold-of set the same threshold. Give one of them.")
    if args.least is not None:
        changed["threshold"] = args.least
    if args.threshold_of is not None:
        changed["threshold"] = result_of(args.threshold_of, sha256)["best_threshold"]
    return changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", required=True)
    for name in ("--calibration", "--quantisation", "--history", "--grain", "--copies", "--threshold-of", "--probes"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--threshold")
    parser.add_argument("--least", type=float)
    parser.add_argument("--edges")
    parser.add_argument("--first-look")
    parser.add_argument("--needs-tool")
    parser.add_argument("--figures", nargs="*", default=[])
    parser.add_argument("--domains", nargs="*", default=[])
    parser.add_argument("--limits", action="store_true")
    args = parser.parse_args()
    passport, tensors, before = read_file(args.old)
    changed = rules(args, passport, before)
    figures: dict[str, Any] = {} if changed else dict(passport.figures)
    if changed and (args.figures or args.probes):
        raise SystemExit("Figures belong to the weights as they are: change rules first, evaluate, then add figures.")
    for pair in args.figures:
        name, _, run = pair.partition("=")
        figures[name] = figures_of(Path(run), before)
    if args.probes is not None:
        figures[PROBES] = probes_of(args.probes, before)
    for pair in args.domains:
        name, _, folder = pair.partition("=")
        figures[name] = with_domain(name, figures.get(name), Path(folder))
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / NAME
    final = passport.model_copy(update={"version": args.version, "figures": figures} | changed)
    sha256 = save_weights(target, tensors, final)
    record_sum(target, sha256)
    (args.out / "mesorch-s.md").write_text(card(final, sha256), encoding="utf-8")
    print(f"{target}\t{sha256}")


if __name__ == "__main__":
    main()
