"""Every witness, in the order in which they judge. A new one gets its own package and an entry here.

Its rule is a field of the passport's `InferenceRule`, and its option a field of `Overrides`, both with its name.
"""

from collections.abc import Iterable

from mesorch_cli.inference.witnesses.copies.witness import COPIES
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.grain.witness import GRAIN
from mesorch_cli.inference.witnesses.history.witness import HISTORY
from mesorch_cli.inference.witnesses.quantisation.witness import QUANTISATION
from mesorch_cli.inference.witnesses.witness import AnyWitness

WITNESSES: tuple[AnyWitness, ...] = (QUANTISATION, HISTORY, GRAIN, COPIES)


def witness_named(name: str) -> AnyWitness | None:
    """Return a witness by name, None for an unknown one, as a record may come from a later version."""
    return next((witness for witness in WITNESSES if witness.name == name), None)


def counted(findings: Iterable[Finding]) -> list[float]:
    """Return the certainties that the image score counts."""
    counting = {witness.name for witness in WITNESSES if witness.counts_as}
    return [finding.certainty for finding in findings if finding.witness in counting]
