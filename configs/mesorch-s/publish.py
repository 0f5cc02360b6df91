"""Turn a training checkpoint into `weights/mesorch-s.safetensors`: fit what the passport decides, measure, write the card.

usage: publish.py CHECKPOINT FIT_SET HELD_OUT_SET REALDEV OUT --version V --trained JSON_FILE --copies JSON_FILE

FIT_SET decides the pixel threshold, the pooling of the image score and its two limits; HELD_OUT_SET (other photos of
sources that training never saw) and REALDEV only measure. The sets are folders as `benchmarks/localisation.py` takes
them. `--copies` is what fit_copies.py wrote. OUT gets the weights, SHA256SUMS and the model card.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from floors import FLOORS
from localisation import THRESHOLDS, pairs

from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.evaluation.metrics import f1_curve, pixel_auc
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import image_score
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.header import read_passport
from mesorch_cli.network.passport import CopyRule, InferenceRule, InputRule, Level, Passport, ScoreRule
from mesorch_cli.network.store import record_sum
from mesorch_cli.network.weights import load_weights
from mesorch_cli.training.publish import publish

SIDE = 384  # pixels: the side of the training crops; on the fit set better than larger inputs
# Of neighbouring tiles: as good as a quarter (benchmarks/OVERLAP_EPYC2_202611.md) at seven tenths of the tiles.
OVERLAP = 1 / 16
AREAS = (0.01, 0.05, 0.2)  # of the photo: bounds of the groups of forged areas
SIDES = (500, 800)  # pixels: bounds of the groups of longest sides
LEVELS = (  # weights by fit_levels.py on the fit set
    Level(kind="whole", weight=0.7),
    Level(kind="mirrored", weight=0.7),
    Level(kind="tiles", long_side=0),
)
POOLINGS = (*(ScoreRule(share=share) for share in (0.001, 0.003, 0.01, 0.03, 0.1)), ScoreRule(pooling="max"))
FALSE_ALARMS = (0.2, 0.02)  # of authentic photos of the fit set: inconclusive or worse, evidence
LIMITS = (
    "A small network, trained on a CPU for about twelve hours. Use it to look closer, not to conclude.",
    "Trained on forgeries made by program (splices, copy-moves, removals, retouching), not on edits by people.",
    "On photos from the web that were resized and saved several times it misses much of what it finds elsewhere: "
    "see figures.",
    "A repeated watermark, a printed pattern or a mirror-true row of equal things is reported as a copy.",
    "Not trained on images made or edited by generative networks, documents, screenshots, scans or drawings.",
    "These figures are of photos of 130 to 1500 pixels a side; of smaller ones they say nothing, of larger ones see "
    "benchmarks/SCALES_EPYC2_202611.md.",
    "The score is not calibrated: it is no probability.",
)


def look(weights: Path, folder: Path) -> dict[str, Any]:
    """Analyse a set once, on one thread; returns per-photo figures of the weights and of the floors, and pooled scores."""
    torch.set_num_threads(1)  # as many sets at once as there are cores take less time than one set on all of them
    loaded = load_weights(weights)
    detector = Detector(TorchBackend(loaded.network, "cpu"), Settings.from_passport(loaded.passport))
    tampered, authentic = pairs(folder)
    seen: dict[str, Any] = {"auc": [], "curves": [], "names": [], "scores": {"tampered": [], "authentic": []}}
    seen |= {"areas": [], "sides": [], "copies": {"tampered": 0, "authentic": 0}}
    seen["floors"] = {name: {"auc": [], "curves": []} for name in FLOORS}
    for path, mask_path in tampered:
        pixels = read_photo(path).pixels
        mask = read_mask(mask_path).tampered
        detection = detector.detect(pixels)
        probability = detection.probability
        if probability is None:
            raise SystemExit(f"{path} was not analysed")
        certainties = [copy.certainty for copy in detection.copies]
        seen["names"].append(path.stem)
        seen["auc"].append(pixel_auc(probability.ravel(), mask.ravel()))
        seen["curves"].append(f1_curve(probability, mask, THRESHOLDS))
        seen["scores"]["tampered"].append([image_score(probability, rule, certainties) for rule in POOLINGS])
        seen["copies"]["tampered"] += bool(certainties)
        seen["areas"].append(float(mask.mean()))
        seen["sides"].append(max(mask.shape))
        for name, floor in FLOORS.items():
            guess = floor(pixels.astype(np.uint8))
            seen["floors"][name]["auc"].append(pixel_auc(guess.ravel(), mask.ravel()))
            seen["floors"][name]["curves"].append(f1_curve(guess, mask, THRESHOLDS))
    for path in authentic:
        detection = detector.detect(read_photo(path).pixels)
        if detection.probability is not None:
            certainties = [copy.certainty for copy in detection.copies]
            scores = [image_score(detection.probability, rule, certainties) for rule in POOLINGS]
            seen["scores"]["authentic"].append(scores)
            seen["copies"]["authentic"] += bool(certainties)
    return seen


def image_auc(scores: dict[str, list[list[float]]], rule: int) -> float:
    """Return how well the pooled score tells tampered photos from authentic ones."""
    columns = [np.array([row[rule] for row in scores[kind]], np.float32) for kind in ("tampered", "authentic")]
    truth = np.arange(sum(map(len, columns))) < len(columns[0])
    return pixel_auc(np.concatenate(columns), truth)


def best_f1(curves: list[NDArray[np.float64]]) -> tuple[float, float]:
    """Return the best mean F1 over one threshold for all photos, and that threshold."""
    mean = np.mean(curves, axis=0)
    return float(mean.max()), float(THRESHOLDS[int(mean.argmax())])


def grouped(values: list[float], bounds: tuple[float, ...], auc: list[float]) -> dict[str, list[float]]:
    """Return the mean pixel AUC and the number of photos between neighbouring bounds, by a name such as `0.01..0.05`."""
    edges = (0.0, *bounds, np.inf)
    groups = {}
    for low, high in pairwise(edges):
        inside = [one for value, one in zip(values, auc, strict=True) if low <= value < high]
        if inside:
            groups[f"{low:g}..{high:g}"] = [round(float(np.mean(inside)), 3), len(inside)]
    return groups


def summary(seen: dict[str, Any], threshold: float, rule: int, score: ScoreRule) -> dict[str, Any]:
    """Return the figures of one set for the passport, rounded to three digits."""
    index = int(np.abs(THRESHOLDS - threshold).argmin())
    kinds: dict[str, list[float]] = {}
    for name, auc in zip(seen["names"], seen["auc"], strict=True):
        kind = name.rsplit("-", 1)[0]
        kinds.setdefault(kind if kind in {"splice", "copy_move", "removal", "retouch"} else "all", []).append(auc)
    figures = {
        "tampered": len(seen["auc"]),
        "authentic": len(seen["scores"]["authentic"]),
        "pixel_auc": round(float(np.mean(seen["auc"])), 3),
        "f1_at_threshold": round(float(np.mean(seen["curves"], axis=0)[index]), 3),
        "f1_at_best_threshold": round(best_f1(seen["curves"])[0], 3),
        "image_auc": round(image_auc(seen["scores"], rule), 3),
        "pixel_auc_by_kind": {kind: round(float(np.mean(values)), 3) for kind, values in sorted(kinds.items())},
        "pixel_auc_by_area": grouped(seen["areas"], AREAS, seen["auc"]),
        "pixel_auc_by_longest_side": grouped(seen["sides"], SIDES, seen["auc"]),
        "photos_with_copies": seen["copies"],
        "floors": {
            name: {
                "pixel_auc": round(float(np.mean(floor["auc"])), 3),
                "f1_at_best_threshold": round(best_f1(floor["curves"])[0], 3),
            }
            for name, floor in seen["floors"].items()
        },
    }
    for kind in ("tampered", "authentic"):
        column = np.array([row[rule] for row in seen["scores"][kind]])
        figures[f"{kind}_evidence"] = round(float((column >= score.evidence_at).mean()), 3)
        figures[f"{kind}_inconclusive_or_evidence"] = round(float((column >= score.inconclusive_at).mean()), 3)
    return figures


def card(passport: Passport, sha256: str) -> str:
    """Return the model card as Markdown."""
    lines = [f"# {passport.name} {passport.version}", "", f"Licence: {passport.licence}. SHA-256 `{sha256}`.", ""]
    lines += ["## Limits", "", *(f"- {limit}" for limit in passport.limits), "", "## Figures", ""]
    lines += ["| set | method | pixel AUC | F1 at the passport's threshold | F1 at the set's best threshold |"]
    lines += ["|---|---|---|---|---|"]
    for name, found in passport.figures.items():
        assert isinstance(found, dict)
        counts = f"{name} ({found['tampered']} tampered, {found['authentic']} authentic)"
        lines.append(
            f"| {counts} | **{passport.name}** | **{found['pixel_auc']}** | **{found['f1_at_threshold']}** | "
            f"**{found['f1_at_best_threshold']}** |"
        )
        floors: Any = found["floors"]
        lines += [
            f"| | {floor} | {row['pixel_auc']} | | {row['f1_at_best_threshold']} |" for floor, row in floors.items()
        ]
    lines += ["", "| set | image AUC | authentic called evidence | tampered called evidence | pixel AUC by kind |"]
    lines += ["|---|---|---|---|---|"]
    for name, found in passport.figures.items():
        assert isinstance(found, dict)
        lines.append(
            f"| {name} | {found['image_auc']} | {found['authentic_evidence']} | {found['tampered_evidence']} | "
            f"{json.dumps(found['pixel_auc_by_kind'])} |"
        )
    lines += [
        "",
        "| set | pixel AUC by forged area (share of the photo) | by longest side (pixels) | photos with copies |",
    ]
    lines += ["|---|---|---|---|"]
    for name, found in passport.figures.items():
        assert isinstance(found, dict)
        groups = (found["pixel_auc_by_area"], found["pixel_auc_by_longest_side"], found["photos_with_copies"])
        lines.append(f"| {name} | {' | '.join(json.dumps(group) for group in groups)} |")
    lines += [
        "",
        "The pixel threshold and the limits of the score come from the set `fit`; the others only measure.",
        "",
        "[docs/weights.md](../docs/weights.md) has what each part of the network is worth, the figures after one more JPEG",
        "save, and forgeries that these weights miss, as pictures.",
        "",
    ]
    lines += ["## Passport", "", "```json", json.dumps(json.loads(passport.to_json()), indent=1), "```", ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "fit", "held_out", "realdev", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--trained", type=Path, required=True)
    parser.add_argument("--copies", type=Path, required=True)
    parser.add_argument(
        "--rule-of",
        type=Path,
        help="Earlier weights whose threshold and score rule stay, where only the speed changes.",
    )
    args = parser.parse_args()
    copies = CopyRule.model_validate(json.loads(args.copies.read_text(encoding="utf-8"))["rule"])
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / "mesorch-s.safetensors"
    draft = Passport(
        name="mesorch-s",
        version=args.version,
        network=MESORCH_S,
        input=InputRule(side=SIDE, smallest_photo_side=16),
        inference=InferenceRule(levels=LEVELS, overlap=OVERLAP, copies=copies),
        training=json.loads(args.trained.read_text(encoding="utf-8")),
        licence="Apache-2.0",
        limits=LIMITS,
    )
    publish(args.checkpoint, target, draft)
    folders = {"fit": args.fit, "held-out": args.held_out, "realdev": args.realdev}
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        seen = dict(zip(folders, pool.map(partial(look, target), folders.values()), strict=True))
    if args.rule_of is not None:
        earlier = read_passport(args.rule_of)
        threshold, score = earlier.pixel_threshold, earlier.score
        rule = [(one.pooling, one.share) for one in POOLINGS].index((score.pooling, score.share))
    else:
        threshold = best_f1(seen["fit"]["curves"])[1]
        rule = max(range(len(POOLINGS)), key=lambda index: image_auc(seen["fit"]["scores"], index))
        authentic = np.array([row[rule] for row in seen["fit"]["scores"]["authentic"]])
        limits = [round(float(np.quantile(authentic, 1 - share)), 3) for share in FALSE_ALARMS]
        score = POOLINGS[rule].model_copy(update={"inconclusive_at": limits[0], "evidence_at": limits[1]})
    figures = {name: summary(found, threshold, rule, score) for name, found in seen.items()}
    final = draft.model_copy(update={"pixel_threshold": threshold, "score": score, "figures": figures})
    sha256 = publish(args.checkpoint, target, final)
    record_sum(target, sha256)
    (args.out / "mesorch-s.md").write_text(card(final, sha256), encoding="utf-8")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
