"""Sentences that an examiner may take into a report of their own, filled in from a record; see docs/report-wording.md."""

from collections.abc import Mapping
from typing import Any

from mesorch_cli.inference.regions import WEAK_MEAN
from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from mesorch_cli.report import declared, domain, rates
from mesorch_cli.report.findings import tables_of
from mesorch_cli.report.names import visible
from mesorch_cli.report.numbers import in_words

SAID = {  # by verdict; `score` and the limits are filled in
    "evidence of manipulation": "The program reports evidence of manipulation: the score is {score}, and the limit for this "
    "verdict is {high}. This is an indication by an automatic method. It does not show what was changed, by whom, when "
    "or why, and ordinary processing can have the same effect.",
    "inconclusive": "The result is inconclusive: the score is {score}, between the limits of {low} and {high}. It supports "
    "neither that the photo was manipulated nor that it was not.",
    "no evidence found": "The program found no evidence of manipulation: the score is {score}, and the limit is {low}. This "
    "does not show that the photo is unaltered. Manipulations of kinds that the program does not know, and those whose "
    "traces were removed by later processing, are not found.",
    "not analysed": "The program did not analyse the photo ({reason}). Nothing follows from this for or against a "
    "manipulation.",
}
NO_PHOTO = (
    "The result is inconclusive: the picture looks like a screenshot, a text or a drawing, and the weights were not made for "
    "such pictures. Neither the score of {score} nor parts that repeat say anything about a manipulation."
)
LISTED = 5  # regions in a sentence; the record has all
NO_PROBABILITY = "The score orders photos from 0 to 1. It is not the probability that the photo was manipulated."


def sentences_of(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return paragraphs on one record of the present version: what was examined, the result, its rates, and the rest."""
    result, limits = record["result"], record["settings"].get("score") or {}
    words = NO_PHOTO if LIKE_A_SCREEN in result["flags"] else SAID[result["verdict"]]
    filled = words.format(
        score="unknown" if result["score"] is None else in_words(result["score"]),
        low=_limit(limits.get("inconclusive_at")),
        high=_limit(limits.get("evidence_at")),
        reason=result["reason"],
    )
    paragraphs = [_examined(record), filled]
    if result["score"] is not None and result["probability"] is None:
        paragraphs[-1] += f" {NO_PROBABILITY}"
    told = filter(None, (*rates.lines_of(result), domain.sentence_of(result)))
    paragraphs += [" ".join(lines)] if (lines := list(told)) else []
    paragraphs += [_regions(result["regions"], bool(record["settings"].get("edges")))] if result["regions"] else []
    paragraphs += [
        " ".join([*(line.sentence for line in table.lines), table.explanation]) for table in tables_of(result)
    ]
    paragraphs += [f"{line.says} {line.signed}" for line in declared.lines_of(record)]
    return tuple(paragraphs)


def _limit(value: float | None) -> str:
    return "unknown" if value is None else in_words(value)


def _examined(record: Mapping[str, Any]) -> str:
    source, tool, weights = record["input"], record["tool"], record["weights"]
    hashed = "could not be read" if source["sha256"] is None else f"SHA-256 {source['sha256']}"
    return (
        f"The file {visible(source['path'])} ({hashed}) was submitted to {tool['name']} {tool['version']} with the weights "
        f"{weights['name']} (SHA-256 {weights['sha256']}). The examination can be repeated from its record."
    )


def _regions(regions: list[dict[str, Any]], edges_moved: bool) -> str:
    """Return where the map marks something, at most LISTED places, and whether all of it is weak."""
    boxes = [f"x {one['x']}, y {one['y']}, {one['width']} x {one['height']}" for one in regions]
    count, which = ("one region", "It is") if len(boxes) == 1 else (f"{len(boxes)} regions", "They are")
    if len(boxes) > LISTED:
        which = f"The first {LISTED} are"
    told = f"The map marks {count}. {which} at {'; '.join(boxes[:LISTED])} (pixels of the stored raster)."
    if all(one["mean"] < WEAK_MEAN for one in regions):
        which = "It is" if len(boxes) == 1 else "All of them are"
        told += f" {which} weak: on average, the map is below {WEAK_MEAN:g} there."
    if edges_moved:
        return (
            f"{told} Outlines are drawn along edges of the photo, so one that follows an object does not show that "
            "the object was changed."
        )
    return f"{told} The outline of a region need not follow an object."
