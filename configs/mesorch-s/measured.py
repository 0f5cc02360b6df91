"""What a passport takes over from `mesorch evaluate`, `probe` and `calibrate`: nothing is measured here."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mesorch_cli.inference.calibration_file import read_calibration
from mesorch_cli.network.rules import ScoreRule

FIGURES = {  # in the passport: in the output of `mesorch evaluate`
    "pixel_auc": "auc",
    "f1_at_threshold": "f1",
    "f1_at_best_threshold": "f1_best",
    "image_auc": "image_auc",
    "tampered_evidence": "tampered_flagged",
    "authentic_evidence": "authentic_flagged",
    "authentic_inconclusive_or_evidence": "authentic_not_cleared",
}
SIDES = ((0, 500), (500, 800), (800, None))  # pixels of the longest side
CLEARED = "no evidence found"
PROBES = "probes"  # their name among the sets of a passport's figures
GROUPS = {"pixel_auc_by_area": "tampered area"}


def lines_of(run: Path) -> list[dict[str, Any]]:
    """Return the results of a folder that `mesorch evaluate -o` wrote, of photos as they are."""
    text = (run / "evaluation.jsonl").read_text(encoding="utf-8")
    return [line for line in map(json.loads, text.splitlines()) if line["perturbation"] is None]


def result_of(run: Path, weights_sha256: str) -> dict[str, Any]:
    """Return what a run says of the weights with this hash; SystemExit where it measured others."""
    found = [line for line in lines_of(run) if line["weights"] is not None]
    for line in found:
        if line["weights"]["sha256"] == weights_sha256:
            return line
    measured = ", ".join(line["weights"]["sha256"][:16] for line in found) or "none"
    raise SystemExit(
        f"{run} measured the weights {measured}, not {weights_sha256[:16]}. Evaluate these, then come back."
    )


def figures_of(run: Path, weights_sha256: str) -> dict[str, Any]:
    """Return the figures of one set as the passport keeps them, rounded to three digits; floors where they were measured."""
    line = result_of(run, weights_sha256)
    kept: dict[str, Any] = {"tampered": line["counts"]["tampered"], "authentic": line["counts"]["authentic"]}
    kept |= {name: round(line["figures"][key]["value"], 3) for name, key in FIGURES.items() if key in line["figures"]}
    for name, by in GROUPS.items():
        groups = [group for group in line["groups"] if group["by"] == by and group["tampered"]]
        kept[name] = {
            group["name"].replace(".0%", " %"): [round(group["auc"], 3), group["tampered"]] for group in groups
        }
    photos = list(tampered_photos(run, line))
    suspect = [photo["verdict"] != CLEARED for photo in photos]
    kept["tampered_inconclusive_or_evidence"] = round(sum(suspect) / len(suspect), 3) if suspect else 0.0
    kept["pixel_auc_by_kind"] = by_kind(photos)
    kept["pixel_auc_by_longest_side"] = by_side(photos)
    kept["floors"] = {
        other["baseline"]["name"]: {
            name: round(other["figures"][FIGURES[name]]["value"], 3) for name in ("pixel_auc", "f1_at_best_threshold")
        }
        for other in lines_of(run)
        if other["baseline"] is not None and other["set"] == line["set"]
    }
    return kept


def probes_of(run: Path, weights_sha256: str) -> dict[str, Any]:
    """Return what `mesorch probe -o RUN` found, as the passport keeps it: pixel AUCs, rounded to three digits.

    SystemExit where it probed other weights, or edited no photos.
    """
    found = json.loads((run / "probes.json").read_text(encoding="utf-8"))
    if found["weights"]["sha256"] != weights_sha256:
        raise SystemExit(f"{run} probed the weights {found['weights']['sha256'][:16]}, not {weights_sha256[:16]}.")
    if not found["edits"]:
        raise SystemExit(f"{run} has no edits: give `mesorch probe` a folder of photos, too.")
    kept: dict[str, Any] = {"photos": found["edits"][0]["auc"]["photos"], "edits": {}}
    for cell in found["edits"]:
        kept["edits"].setdefault(cell["kind"], {})[cell["saving"]] = round(cell["auc"]["value"], 3)
    if pairs := found["pairs"]:
        kept |= {"pairs": pairs["pairs"], "forgery_scores_higher": pairs["forgery_scores_higher"]}
        kept |= {
            f"map_of_the_{one}": round(pairs["figures"][f"{one} auc"]["value"], 3) for one in ("forgery", "original")
        }
    kept["objects"] = {name: [round(one["value"], 3), one["photos"]] for name, one in found["objects"].items()}
    return kept


def tampered_photos(run: Path, line: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the rows of the tampered photos that a line is about."""
    with (run / "photos.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            same = (row["weights"], row["set"], row["perturbation"]) == (line["weights"]["name"], line["set"], "")
            if same and row["tampered"] == "1" and row["status"] == "analysed":
                yield row


def by_kind(photos: list[dict[str, str]]) -> dict[str, float]:
    """Return the mean pixel AUC by kind of forgery: of the list, or as make_validation.py names its files (KIND-0012.png)."""
    groups: dict[str, list[float]] = {}
    for photo in photos:
        named = photo["photo"].partition("-")[0] if "-" in photo["photo"] else "all"
        if photo["auc"]:
            groups.setdefault(photo["kind"] or named, []).append(float(photo["auc"]))
    return {kind: round(sum(aucs) / len(aucs), 3) for kind, aucs in sorted(groups.items())}


def by_side(photos: list[dict[str, str]]) -> dict[str, list[float]]:
    """Return the mean pixel AUC and the number of photos by longest side."""
    groups = {}
    for least, below in SIDES:
        longest = [(max(int(photo["width"]), int(photo["height"])), photo["auc"]) for photo in photos]
        aucs = [float(auc) for side, auc in longest if auc and side >= least and (below is None or side < below)]
        if aucs:
            groups[f"{least}..{'inf' if below is None else below}"] = [round(sum(aucs) / len(aucs), 3), len(aucs)]
    return groups


def score_rule_of(calibration: Path, weights_sha256: str) -> ScoreRule:
    """Return the pooling and the limits that `mesorch calibrate` fitted; SystemExit where it calibrated other weights.

    The probability is left out: it speaks for photos like those of the set alone, and the passport speaks to everyone.
    """
    found = read_calibration(calibration)
    if found.weights.sha256 != weights_sha256:
        raise SystemExit(f"{calibration} is of the weights {found.weights.sha256[:16]}, not {weights_sha256[:16]}.")
    return found.score.model_copy(update={"calibration": None})
