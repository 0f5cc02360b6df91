"""Figures that new weights must reach before a lab takes them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mesorch_cli.errors import UsageError
from mesorch_cli.evaluation.study import Result
from mesorch_cli.evaluation.summary import FIGURES


@dataclass(frozen=True)
class Gate:
    """A figure, by its name in the JSON output, and its least value."""

    figure: str
    least: float


def parse_gates(words: Sequence[str]) -> tuple[Gate, ...]:
    """Parse text such as `f1=0.3`. Raises UsageError for anything else, and for a name that is no figure's."""
    gates = []
    for word in words:
        name, sign, value = word.partition("=")
        try:
            gates.append(Gate(name.strip(), float(value)))
        except ValueError as error:
            raise UsageError(f"--fail-under {word!r}: expected FIGURE=VALUE, such as f1=0.3.") from error
        if not sign or not name.strip() or not math.isfinite(gates[-1].least):
            raise UsageError(f"--fail-under {word!r}: expected FIGURE=VALUE, such as f1=0.3.")
        if gates[-1].figure not in FIGURES:
            raise UsageError(f"--fail-under {word!r}: there is no such figure. Expected one of {', '.join(FIGURES)}.")
    return tuple(gates)


def unmet(gates: Sequence[Gate], results: Sequence[Result]) -> list[str]:
    """Return a sentence for every gate that some weights fail on unperturbed photos. An undefined figure fails.

    Raises UsageError for a figure that none of these sets has, such as one over authentic photos where there are none.
    """
    plain = [result for result in results if result.perturbation is None and not result.is_baseline]
    known = {name for result in plain for name in result.summary.figures}
    sentences = []
    for gate in gates:
        if gate.figure not in known:
            raise UsageError(f"These photos give no figure {gate.figure!r}. They give {', '.join(sorted(known))}.")
        for result in plain:
            figure = result.summary.figures.get(gate.figure)
            if figure is None or not figure.value >= gate.least:
                value = "undefined" if figure is None else f"{figure.value:.4f}"
                sentences.append(
                    f"{gate.figure} of {result.entrant} on {result.dataset} is {value}; expected at least "
                    f"{gate.least:g}. The weights fail this gate."
                )
    return sentences
