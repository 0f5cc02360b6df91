"""The findings of a record as people read them: terminal, page and PDF all draw what is made here."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.inference.witnesses.registry import witness_named
from mesorch_cli.inference.witnesses.witness import Words


@dataclass(frozen=True)
class FindingLine:
    """One finding. name: for a narrow column. sentence: all that it says. places: its boxes in the stored raster, one for
    every role of the table; values: one for every column of the table."""

    name: str
    sentence: str
    places: tuple[Box, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class FindingTable:
    """The findings of one witness under a title. roles, columns: heads over the places and over the values of a line."""

    title: str
    explanation: str
    roles: tuple[str, ...]
    columns: tuple[str, ...]
    lines: tuple[FindingLine, ...]


def tables_of(result: Mapping[str, Any]) -> tuple[FindingTable, ...]:
    """Return what the witnesses say in the `result` of a record of the present version, in its order."""
    groups = groupby(result["findings"], key=lambda finding: finding["witness"])
    return tuple(_table(witness, list(findings)) for witness, findings in groups)


def counted_words(result: Mapping[str, Any]) -> str:
    """Return how the findings of a record count in its score, as the end of a sentence; empty where they do not."""
    known = [witness_named(finding["witness"]) for finding in result["findings"]]
    counting = dict.fromkeys(witness.words.certainty for witness in known if witness is not None and witness.counts)
    return "".join(f", or the {certainty}, where that is larger" for certainty in counting)


def _table(name: str, findings: list[dict[str, Any]]) -> FindingTable:
    witness = witness_named(name)
    words = _plain_words(name, findings[0]) if witness is None else witness.words
    return FindingTable(
        title=words.title,
        explanation=words.explanation,
        roles=tuple(words.roles.values()),
        columns=(*(head for head, _ in words.measures.values()), words.certainty.capitalize()),
        lines=tuple(_line(words, finding, number, len(findings)) for number, finding in enumerate(findings, start=1)),
    )


def _line(words: Words, finding: dict[str, Any], number: int, count: int) -> FindingLine:
    boxes = {place["role"]: Box(*(place[side] for side in Box._fields)) for place in finding["places"]}
    told = finding["measures"] | {"certainty": finding["certainty"]}
    places = {role: f"x {box.x}, y {box.y}, {box.width} x {box.height} px" for role, box in boxes.items()}
    return FindingLine(
        name=words.short if count == 1 else f"{words.short} {number}",
        sentence=words.sentence.format_map(told | places),
        places=tuple(boxes[role] for role in words.roles),
        values=(
            *(form.format(told[measure]) for measure, (_, form) in words.measures.items()),
            f"{finding['certainty']:.2f}",
        ),
    )


def _plain_words(name: str, finding: dict[str, Any]) -> Words:
    """Return words for findings of a witness that this version does not know."""
    measures = {measure: (measure, "{}") for measure in finding["measures"]}
    return Words(
        title=f"Findings of {name}",
        short=name,
        sentence="; ".join(["certainty {certainty:.2f}", *(f"{measure} {{{measure}}}" for measure in measures)]),
        explanation="This version of the tool does not know the witness that found this.",
        certainty="certainty",
        roles={place["role"]: place["role"] for place in finding["places"]},
        measures=measures,
    )
