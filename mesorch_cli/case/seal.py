"""The seal of a case: the digest of its journal in `case.json`, and the checks before a case is used.

The digest is a checksum. It reveals changes by accident or by hand, but anyone who can write the whole case can make a
new one. Cases that must be proven unchanged need a signature over SHA256SUMS (`signature.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.case.case_file import FILE_NAME as CASE_FILE
from mesorch_cli.case.case_file import CaseFile
from mesorch_cli.case.journal import FILE_NAME, Journal
from mesorch_cli.case.row import Row, RowError, contradictions, record_in, usable
from mesorch_cli.errors import UsageError, VerificationError
from mesorch_cli.files.names import json_path

SHOWN = 4096  # bytes of a path that are shown
NAMED = 10  # faults named in a refusal; `mesorch verify` names all


@dataclass(frozen=True)
class Fault:
    """Something in a journal that no run of the program writes. name: of the row or of the journal file."""

    name: str
    how: str


def examined(journal: Journal) -> Iterator[Row | Fault]:
    """Yield the usable rows of a journal, and everything that is wrong with it or with a row."""
    for strange in journal.strangers():
        yield Fault(FILE_NAME, strange)
    for values in journal.raw():
        try:
            row = usable(values)
            record = record_in(row)
        except RowError as error:
            yield Fault(_name(values), str(error))
            continue
        for how in contradictions(row, record):
            yield Fault(json_path(row.path), how)
        yield row


def require_sound(case: Path, journal: Journal, case_file: CaseFile | None) -> None:
    """Raise VerificationError unless a journal matches its digest in `case.json` and every row is valid.

    case_file: None for a case without one, whose first run was interrupted. An interrupted run leaves a marker in the
    journal. Then only the rows are checked, as the digest belongs to an earlier state.
    """
    faults = [found for found in examined(journal) if isinstance(found, Fault)]
    if not faults and (case_file is None or journal.is_unfinished() or digest_holds(journal, case_file)):
        return
    more = f"; and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    named = "; ".join(f"{fault.name!r} {fault.how}" for fault in faults[:NAMED]) + more
    named = named or f"its content does not match its digest in {CASE_FILE}, although every row agrees with its record"
    raise VerificationError(
        f"The case {str(case)!r} was changed after it was made: {named}. It is left as it is. `mesorch verify` names "
        "every change. Use an unchanged copy of the case, or analyse the evidence again."
    )


def require_finished(case: Path, journal: Journal, case_file: CaseFile) -> None:
    """Raise UsageError for a case whose last run was interrupted, as `case.json` and the pages lack its last rows."""
    if journal.is_unfinished() and not digest_holds(journal, case_file):
        raise UsageError(f"{str(case)!r} is unfinished: its last run was interrupted. Give its batch command again.")


def digest_holds(journal: Journal, case_file: CaseFile) -> bool:
    """Return whether a journal's content matches its digest in `case.json`."""
    return journal.digest(case_file.journal_digest) == case_file.journal_sha256


def _name(values: tuple[object, ...]) -> str:
    path = values[0]
    return json_path(path[:SHOWN].decode("utf-8", "surrogateescape")) if isinstance(path, bytes) else repr(path)[:80]
