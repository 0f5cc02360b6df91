"""A case is opened for one folder of evidence and one share of it, and for one process at a time.

Whoever opens one, to go on or to read, learns first whether it is what it was: nothing is built on a journal that was
changed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesorch_cli.case.case_file import FILE_NAME as CASE_FILE
from mesorch_cli.case.case_file import AboutPart, CaseFile, SelectionPart, read_case
from mesorch_cli.case.journal import FILE_NAME, Journal
from mesorch_cli.case.mirror import Mirror
from mesorch_cli.case.scan import Selection
from mesorch_cli.case.seal import digest_holds, require_finished, require_sound
from mesorch_cli.case.tables import SUMS, read_sums
from mesorch_cli.errors import OutputError, UsageError, VerificationError
from mesorch_cli.examination.spec import ExaminerSpec
from mesorch_cli.files.hashing import sha256_below
from mesorch_cli.files.names import json_path
from mesorch_cli.files.writing import remove_unfinished
from mesorch_cli.inference.recorded_settings import digest, run_values


def about_case(evidence: Path, selection: Selection, spec: ExaminerSpec, tool: dict[str, str]) -> AboutPart:
    """Return what a case with this evidence and spec is about. tool: from an examiner of the spec."""
    weights = spec.analysis.weights
    passport = weights.passport
    settings = run_values(spec.analysis.settings, weights.sha256, spec.accept_damaged, spec.explain)
    return AboutPart(
        evidence=json_path(str(evidence.resolve())),
        selection=SelectionPart(
            include=[json_path(pattern) for pattern in selection.include],
            exclude=[json_path(pattern) for pattern in selection.exclude],
            shard=selection.shard,
        ),
        settings=settings,
        settings_sha256=digest(settings),
        weights={
            "name": passport.name,
            "version": passport.version,
            "sha256": weights.sha256,
            "licence": passport.licence,
        },
        tool=tool,
    )


def _clean(case: Path) -> None:
    """Remove what an interrupted run left half written. Raises OutputError for a folder that cannot be listed."""
    try:
        remove_unfinished(case)
    except OSError as error:
        raise OutputError(
            f"Cannot list {str(error.filename or case)!r}: {error.strerror}. Check its permissions."
        ) from error


@contextmanager
def opened(case: Path, about: AboutPart, *, moved: bool = False) -> Iterator[tuple[Journal, Mirror]]:
    """Open a case, or make it.

    moved: the evidence of the case is elsewhere now. Raises UsageError if the folder holds something else, if the case
    has other evidence or another share, or if another process works on it; VerificationError if its journal was
    changed; OutputError if nothing can be written.
    """
    try:
        taken = not (case / FILE_NAME).exists() and case.exists() and (not case.is_dir() or any(case.iterdir()))
    except OSError as error:
        raise OutputError(f"Cannot open {str(case)!r}: {error.strerror}. Choose another folder with -o.") from error
    if taken:
        raise UsageError(f"{str(case)!r} exists and is not a case. Choose a new or empty folder with -o.")
    with Journal(case) as journal:
        require_sound(case, journal, read_case(case) if os.path.lexists(case / CASE_FILE) else None)
        facts = {"evidence": about.evidence, "shard": "{}/{}".format(*about.selection.shard)}
        for name, value in facts.items():
            before = journal.fact(name)
            if before is not None and before != value and not (moved and name == "evidence"):
                cure = " Add --moved if its evidence is there now." if name == "evidence" else ""
                raise UsageError(
                    f"The case {str(case)!r} has the {name} {before!r}, not {value!r}. Give the same, or another "
                    f"-o.{cure}"
                )
        mirror = Mirror(case)
        if journal.is_unfinished():
            _clean(case)
        journal.begin()
        for name, value in facts.items():
            journal.set_fact(name, value)
        journal.set_fact("settings", about.settings_sha256)
        yield journal, mirror
        if os.path.lexists(case / CASE_FILE) and digest_holds(journal, read_case(case)):
            journal.end()


def require_own_hash(case: Path, case_file: CaseFile) -> None:
    """Raise VerificationError if `case.json` is not the one in SHA256SUMS, as its content would be adopted."""
    if digest(case_file.settings) != case_file.settings_sha256:
        how = "its settings do not have the hash that it records"
    else:
        try:
            recorded = read_sums(case).get(CASE_FILE)
        except OSError:
            return  # a case without SHA256SUMS, which `mesorch verify` reports
        if recorded is None or recorded == sha256_below(case, CASE_FILE):
            return
        how = f"{SUMS} has another hash of it"
    raise VerificationError(
        f"{str(case / CASE_FILE)!r} was changed after the case was made: {how}. It is left as it is. Use an unchanged "
        "copy of the case."
    )


@contextmanager
def opened_to_read(case: Path) -> Iterator[tuple[CaseFile, Journal]]:
    """Open a finished case to read it.

    Raises UsageError for a folder that is not a case and for an interrupted case, VerificationError if its journal or
    `case.json` was changed after the case was made.
    """
    case_file = read_case(case)
    with Journal(case, read_only=True) as journal:
        require_sound(case, journal, case_file)
        require_finished(case, journal, case_file)
        require_own_hash(case, case_file)
        yield case_file, journal
