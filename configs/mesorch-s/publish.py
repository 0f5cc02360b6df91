"""Turn a training checkpoint into a draft of `mesorch-s.safetensors`, to be calibrated and measured.

usage: publish.py CHECKPOINT OUT --version V --trained JSON_FILE --copies JSON_FILE

OUT gets the weights and SHA256SUMS. `--copies` is what fit_copies.py wrote. What is left to decide comes from the tool's
own commands; FIT, HELD_OUT and REALDEV are sets as `mesorch evaluate` takes them, and FIT alone decides:

    mesorch calibrate --authentic FIT/Au --tampered FIT/Tp --fpr 0.025 -w OUT/mesorch-s.safetensors -o calibration.json
    python new_rules.py OUT/mesorch-s.safetensors RULED --version V --calibration calibration.json
    mesorch evaluate FIT -w RULED/mesorch-s.safetensors --against all -o runs/fit      (HELD_OUT and REALDEV likewise)
    python new_rules.py RULED/mesorch-s.safetensors FINAL --version V --figures fit=runs/fit held-out=runs/held-out ...
        --domains held-out=HELD_OUT realdev=REALDEV
"""

import argparse
import json
from pathlib import Path

from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import CopyRule, InferenceRule, InputRule, Scale
from mesorch_cli.network.store import record_sum
from mesorch_cli.training.publish import publish

NAME = "mesorch-s.safetensors"
SIDE = 384  # pixels: the side of the training crops; on the fit set better than larger inputs
OVERLAP = 1 / 16  # of neighbouring tiles: as good as a quarter (benchmarks/RESULTS.md) at seven tenths of the tiles
LEVELS = (  # weights by fit_levels.py on the fit set
    Scale(kind="whole", weight=0.7),
    Scale(kind="mirrored", weight=0.7),
    Scale(kind="tiles", long_side=0),
)
LIMITS = (
    "A small network, trained on a CPU for about seventeen hours. Use it to look closer, not to conclude.",
    "Trained on forgeries made by program (splices, copy-moves, removals, retouching, edits in place, replaced "
    "backgrounds), not on edits by people.",
    "An edit that leaves a region its own pixels is found if the photo was neither shrunk nor saved at a low quality "
    "afterwards; otherwise it is mostly missed: see docs/probes.md and benchmarks/RESULTS.md.",
    "On photos from the web that were resized and saved several times it misses much of what it finds elsewhere: "
    "see figures.",
    "A repeated watermark, a printed pattern or a mirror-true row of equal things is reported as a copy.",
    "Not trained on images made or edited by generative networks, documents, screenshots, scans or drawings.",
    "These figures are of photos of 130 to 1500 pixels a side; of smaller ones they say nothing, of larger ones see "
    "benchmarks/RESULTS.md.",
    "The score is not calibrated: it is no probability.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--trained", type=Path, required=True)
    parser.add_argument("--copies", type=Path, required=True)
    args = parser.parse_args()
    copies = CopyRule.model_validate(json.loads(args.copies.read_text(encoding="utf-8"))["rule"])
    draft = Passport(
        name="mesorch-s",
        version=args.version,
        network=MESORCH_S,
        input=InputRule(side=SIDE, smallest_photo_side=16),
        inference=InferenceRule(scales=LEVELS, overlap=OVERLAP, copies=copies),
        training=json.loads(args.trained.read_text(encoding="utf-8")),
        licence="Apache-2.0",
        limits=LIMITS,
    )
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / NAME
    sha256 = publish(args.checkpoint, target, draft)
    record_sum(target, sha256)
    print(f"{target}\t{sha256}")


if __name__ == "__main__":
    main()
