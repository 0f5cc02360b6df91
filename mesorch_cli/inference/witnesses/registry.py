"""Every witness, in the order in which they judge. A new one is made in a room of its own and listed here.

Its rule is a field of the passport's `InferenceRule`, and its option one of `Overrides`, both by its name.
"""

from collections.abc import Iterable

from mesorch_cli.inference.witnesses.copies.witness import COPIES
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.quantisation.witness import QUANTISATION
from mesorch_cli.inference.witnesses.witness import AnyWitness

WITNESSES: tuple[AnyWitness, ...] = (QUANTISATION, COPIES)


def witness_named(name: str) -> AnyWitness | None:
    """Return a witness by its name, None for one that this version does not know: a record may come from a later one."""
    return next((witness for witness in WITNESSES if witness.name == name), None)


def counted(findings: Iterable[Finding]) -> list[float]:
    """Return the certainties that the image score counts."""
    counting = {witness.name for witness in WITNESSES if witness.counts_as}
    return [finding.certainty for finding in findings if finding.witness in counting]
