"""Give weights other rules, their tensors untouched: double quantisation, the map's threshold by photo, copies.

usage: new_rules.py OLD.safetensors OUT --version V [--quantisation RULE.json] [--copies RULE.json]
       [--threshold FLOOR,SHARE,TOP] [--figures SET=RUN ...]

RULE.json of `--quantisation` is what fit_quantisation.py wrote; `--copies` what fit_copies.py wrote. RUN is a folder that
`mesorch evaluate -o RUN` wrote with these rules: its figures take the place of the passport's of that SET. OUT gets the
weights and SHA256SUMS; run it once without figures, evaluate, and once more with them.
"""

import argparse
import json
from pathlib import Path

from mesorch_cli.network.passport import CopyRule, QuantisationRule, ThresholdRule
from mesorch_cli.network.store import record_sum
from mesorch_cli.network.weights import read_file, save_weights

NAME = "mesorch-s.safetensors"


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
    figures = dict(passport.figures)
    for pair in args.figures:
        name, _, folder = pair.partition("=")
        figures[name] = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))
    changes = {
        "version": args.version,
        "inference": inference,
        "photo_threshold": ThresholdRule(floor=floor, share=share, top=top),
        "figures": figures,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / NAME
    sha256 = save_weights(target, tensors, passport.model_copy(update=changes))
    record_sum(target, sha256)
    print(f"{target}\t{sha256}")


if __name__ == "__main__":
    main()
