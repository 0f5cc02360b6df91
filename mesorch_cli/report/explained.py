"""The explanation of a photo in a report: read back from `explanation.json`, whose hash the record has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mesorch_cli.explanation.facts import FILE_NAME, LARGEST, ExplainedRegion, Explanation, InfluencePart
from mesorch_cli.explanation.scales import BRANCHES
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.files.reading import read_below
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.numbers import in_words, share_text

ROLE = FILE_NAME.partition(".")[0]
BRANCH_WORDS = {"cnn": "CNN", "transformer": "Transformer"}
NOT_RAISED = "not raised"
CANNOT = (
    "It cannot show what was done, or whether anything was. The maps say where the network reacted, not to what.",
    "A region that survives every check is stable for this network; it may still be a false alarm that is stable. One that "
    "does not survive may still be an edit whose traces are weak: resizing and saving again destroy traces.",
    "The weight of the gate is not influence. A scale with a large weight and an even map adds nothing to any region; read "
    "what a scale added instead.",
)


@dataclass(frozen=True)
class RegionLine:
    """A region of the explanation in words. name: its number, or where a weak one lies, as those have no number on pages.

    checks: of each the answer, and the shares that it rests on. lost: names.
    """

    name: str
    alone: str
    map: str
    lift: str
    branches: tuple[str, ...]
    strongest: str
    checks: tuple[tuple[str, str], ...]
    survived: str
    lost: str


@dataclass(frozen=True)
class ShownExplanation:
    """An explanation as a report takes it; problem: why there is none to show."""

    facts: Explanation | None
    problem: str | None
    lines: tuple[RegionLine, ...] = ()
    branches: tuple[str, ...] = ()

    @staticmethod
    def score(value: float) -> str:
        return in_words(value)


def shown_of(facts: Explanation) -> ShownExplanation:
    """Return an explanation as a report takes it."""
    branches = [branch for branch in BRANCHES if any(scale.branch == branch for scale in facts.scales)]
    names = [check.name for check in facts.checks]
    return ShownExplanation(
        facts,
        None,
        lines=tuple(_line(region, branches, names) for region in facts.regions),
        branches=tuple(BRANCH_WORDS[branch] for branch in branches),
    )


def explanation_of(root: Path, entry: Entry) -> ShownExplanation | None:
    """Return the explanation that lies beside a record below `root`, None where the record has none."""
    recorded = entry.artefacts.get(ROLE)
    if recorded is None:
        return None
    try:
        data = read_below(root, f"{entry.place}/{FILE_NAME}", LARGEST)
        if sha256_bytes(data) != recorded[1]:
            return ShownExplanation(None, "It is not the one that the record names; see `mesorch verify`.")
        return shown_of(Explanation.model_validate_json(data))
    except OSError as error:
        return ShownExplanation(None, f"{FILE_NAME} cannot be read: {error.strerror}; see `mesorch verify`.")
    except ValidationError:
        return ShownExplanation(None, f"{FILE_NAME} is not of this version.")


def _line(region: ExplainedRegion, branches: list[Any], names: list[str]) -> RegionLine:
    strongest = max(region.scales.items(), key=lambda item: item[1].lift, default=None)
    raised = any(part.share is not None for part in region.branches.values())
    return RegionLine(
        name=f"weak, at {region.x}, {region.y}" if region.weak else str(region.number),
        alone=share_text(region.network_mean),
        map=share_text(region.map_mean),
        lift="none outside" if region.lift is None else f"{region.lift:+.1f}",
        branches=tuple(_share(region.branches.get(branch)) for branch in branches),
        strongest="" if strongest is None or not raised else f"{strongest[0]} ({strongest[1].lift:+.1f})",
        checks=tuple(_outcome(region, name) for name in names),
        survived=region.survived,
        lost=", ".join(name for name, outcome in region.checks.items() if not outcome.survives),
    )


def _share(part: InfluencePart | None) -> str:
    return NOT_RAISED if part is None or part.share is None else f"{round(part.share * 100) + 0}%"


def _outcome(region: ExplainedRegion, name: str) -> tuple[str, str]:
    outcome = region.checks.get(name)
    if outcome is None:
        return "not made", ""
    return "yes" if outcome.survives else "no", f"kept {outcome.kept:.0%}, within {outcome.within:.0%}"
