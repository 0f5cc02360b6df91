"""The findings of a record for people. Terminal, page and PDF all use these."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.inference.witnesses.registry import witness_named
from mesorch_cli.inference.witnesses.witness import Words
from mesorch_cli.report.numbers import in_words


@dataclass(frozen=True)
class FindingLine:
    """One finding.

    name: for a narrow column. sentence: what it says. numbers: its values in the record, under the headings of the table:
    x, y, width and height of every place in the stored raster, the measures, and the certainty.
    """

    name: str
    sentence: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class FindingTable:
    """The findings of one witness under a title. roles, heads: over the places and the other numbers of a line."""

    title: str
    explanation: str
    roles: tuple[str, ...]
    heads: tuple[str, ...]
    lines: tuple[FindingLine, ...]


def tables_of(result: Mapping[str, Any]) -> tuple[FindingTable, ...]:
    """Return the witnesses' findings in the `result` of a record, in its order. Findings of one kind are together."""
    return tuple(_table(*kind, list(findings)) for kind, findings in groupby(result["findings"], _kind))


def counted_words(result: Mapping[str, Any]) -> str:
    """Return how a record's findings count in its score, as the end of a sentence; empty if they do not."""
    known = [witness_named(finding["witness"]) for finding in result["findings"]]
    counting = dict.fromkeys(witness.counts_as for witness in known if witness is not None and witness.counts_as)
    return "".join(f", or the {certainty}, where that is larger" for certainty in counting)


def words_of(name: str) -> Words:
    """Return the words of a witness by its name in a record, which may come from a later version."""
    witness = witness_named(name)
    if witness is None:
        return Words(f"Findings of {name}", name, "", "", f"findings of {name}", "points that belong together")
    return witness.words


def short_of(result: Mapping[str, Any]) -> str:
    """Return the kinds of findings in a few words, for a cell of a table; empty where there are none."""
    return ", ".join(dict.fromkeys(words_of(finding["witness"]).short for finding in result["findings"]))


def _kind(finding: dict[str, Any]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return finding["witness"], tuple(place["role"] for place in finding["places"]), tuple(finding["measures"])


def _table(
    name: str, roles: tuple[str, ...], measures: tuple[str, ...], findings: list[dict[str, Any]]
) -> FindingTable:
    words = words_of(name)
    names = [words.short] if len(findings) == 1 else [f"{words.short} {at}" for at, _ in enumerate(findings, start=1)]
    lines = tuple(_line(words, *line) for line in zip(names, findings, strict=True))
    heads = tuple(head.replace("_", " ").capitalize() for head in (*measures, "certainty"))
    return FindingTable(words.title, words.explanation, tuple(map(str.capitalize, roles)), heads, lines)


def _line(words: Words, name: str, finding: dict[str, Any]) -> FindingLine:
    places = [(place["role"], Box(*(place[side] for side in Box._fields))) for place in finding["places"]]
    numbers = finding["measures"] | {"certainty": finding["certainty"]}
    told = {role: f"x {box.x}, y {box.y}, {box.width} x {box.height} px" for role, box in places} | numbers
    try:
        sentence = words.sentence.format_map(told | {"certainty": in_words(finding["certainty"])})
    except (KeyError, OverflowError, ValueError):  # a record may come from anybody
        sentence = ""
    sentence = sentence or "; ".join(f"{what.replace('_', ' ')} {value}" for what, value in told.items())
    sides = [side for _, box in places for side in box]
    return FindingLine(name, sentence, tuple(map(str, [*sides, *numbers.values()])))
