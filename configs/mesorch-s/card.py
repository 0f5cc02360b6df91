"""The model card: the passport's figures as tables, with the commands that make them."""

import json
from typing import Any

from measured import PROBES

from mesorch_cli.network.passport import Passport

EVALUATE = "mesorch evaluate SET --against all"
CALIBRATE = "mesorch calibrate --authentic fit/Au --tampered fit/Tp"


def card(passport: Passport, sha256: str) -> str:
    """Return the model card as Markdown."""
    lines = [f"# {passport.name} {passport.version}", "", f"Licence: {passport.licence}. SHA-256 `{sha256}`.", ""]
    lines += ["## Limits", "", *(f"- {limit}" for limit in passport.limits), "", "## Figures", ""]
    lines += [f"Made by `{EVALUATE}` ({passport.name} {passport.version}, `{sha256[:8]}`).", ""]
    lines += pixel_table(passport) + photo_table(passport) + group_table(passport) + probe_lines(passport)
    lines += [
        f"The limits of the score come from the set `fit`, as `{CALIBRATE}` fits them; the other sets only measure.",
        "",
        "[docs/weights.md](../docs/weights.md) has what each part of the network is worth, the figures after one more JPEG",
        "save, and forgeries that these weights miss, as pictures.",
        "",
    ]
    lines += ["## Passport", "", "```json", json.dumps(json.loads(passport.to_json()), indent=1), "```", ""]
    return "\n".join(lines)


def pixel_table(passport: Passport) -> list[str]:
    """Return the pixel figures of the weights, and of the floors beside them."""
    lines = ["| set | method | pixel AUC | F1 at the passport's threshold | F1 at the set's best threshold |"]
    lines += ["|---|---|---|---|---|"]
    for name, found in sets_of(passport).items():
        counts = f"{name} ({found['tampered']} tampered, {found['authentic']} authentic)"
        lines.append(
            f"| {counts} | **{passport.name}** | **{found['pixel_auc']}** | **{found['f1_at_threshold']}** | "
            f"**{found['f1_at_best_threshold']}** |"
        )
        for floor, row in found["floors"].items():
            lines.append(f"| | {floor} | {row['pixel_auc']} | | {row['f1_at_best_threshold']} |")
    return [*lines, ""]


def photo_table(passport: Passport) -> list[str]:
    """Return the figures of whole photos."""
    lines = ["| set | image AUC | authentic called evidence | inconclusive or evidence | tampered called evidence |"]
    lines[0] += " inconclusive or evidence |"
    lines += ["|---|---|---|---|---|---|"]
    for name, found in sets_of(passport).items():
        lines.append(
            f"| {name} | {found['image_auc']} | {found['authentic_evidence']} | "
            f"{found['authentic_inconclusive_or_evidence']} | {found['tampered_evidence']} | "
            f"{found['tampered_inconclusive_or_evidence']} |"
        )
    return [*lines, ""]


def group_table(passport: Passport) -> list[str]:
    """Return the pixel AUC by what was done, how large the forged part is, and how large the photo is."""
    lines = [
        "| set | pixel AUC by kind | by forged area (share of the photo): AUC, photos | by longest side (pixels) |"
    ]
    lines += ["|---|---|---|---|"]
    for name, found in sets_of(passport).items():
        kinds, areas = json.dumps(found["pixel_auc_by_kind"]), json.dumps(found["pixel_auc_by_area"])
        sides = json.dumps(found["pixel_auc_by_longest_side"])
        lines.append(f"| {name} | {kinds} | {areas} | {sides} |")
    return [*lines, ""]


def probe_lines(passport: Passport) -> list[str]:
    """Return what the map reacts to, by the probes that the passport has."""
    found: Any = passport.figures.get(PROBES)
    if found is None:
        return []
    lines = [
        "What the map reacts to (`mesorch probe`, docs/probes.md): mean pixel AUC for one region of an authentic photo that",
        f"was edited in place, or replaced by a piece of another photo, in {found['photos']} photos saved in three ways.",
        "`nothing` is what the same regions get by chance.",
        "",
    ]
    rows: dict[str, dict[str, float]] = found["edits"]
    savings = list(next(iter(rows.values())))
    lines += [f"| edit | {' | '.join(savings)} |", f"|---|{'---|' * len(savings)}"]
    lines += [f"| {name} | {' | '.join(str(row[saving]) for saving in savings)} |" for name, row in rows.items()]
    lines.append("")
    if "pairs" in found:
        lines.append(
            f"For the forgeries' masks, the maps of {found['pairs']} forgeries have the mean pixel AUC "
            f"{found['map_of_the_forgery']}, those of their originals {found['map_of_the_original']}; the forgery scores "
            f"higher in {found['forgery_scores_higher']}."
        )
    for name, (auc, photos) in found["objects"].items():
        lines.append(f"In {photos} authentic photos, the map has the AUC {auc} for the object ({name}); .5 is best.")
    return [*lines, ""]


def sets_of(passport: Passport) -> dict[str, dict[str, Any]]:
    """Return the figures of every measured set."""
    return {name: found for name, found in passport.figures.items() if isinstance(found, dict) and name != PROBES}
