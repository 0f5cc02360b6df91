"""`mesorch verify`: check that a case and its evidence are unchanged."""

from pathlib import Path
from typing import Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard
from mesorch_cli.errors import VerificationError

OK = "ok"


def verify(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="Folder that `mesorch batch` made.")],
    evidence: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of the evidence now. (default: the one that the case records)"),
    ] = None,
    without_evidence: Annotated[
        bool, typer.Option("--without-evidence", help="Check only the case, not its evidence.")
    ] = False,
    public_key: Annotated[
        Path | None,
        typer.Option(metavar="PUB.pem", help="Also require a signature by this Ed25519 key."),
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Hash the evidence and the results again, check tables and journal, and name everything that changed.

    The command compares evidence, pictures and records with the journal, all files of the case with SHA256SUMS, the
    journal with the digest in `case.json`, and each row with its record. These are checksums: anyone who can write to
    the case can make all of them agree. Keep the SHA-256 of SHA256SUMS, which `mesorch batch` and this command print,
    in another place. Or sign the case with `mesorch case sign` and give --public-key here.

    On stdout: with --json, one object per change. Otherwise one line per change with kind, name and change, separated
    by tabs. If nothing changed: `ok` and the SHA-256 of SHA256SUMS.

    Exit codes: 0 unchanged, 2 no case or no key, 6 something changed, the case is unfinished, or the key did not sign
    it.

    Example: mesorch verify case
    """
    with guard():
        from mesorch_cli.case.case_file import read_case
        from mesorch_cli.case.journal import Journal
        from mesorch_cli.case.signature import require_signature
        from mesorch_cli.case.tables import SUMS
        from mesorch_cli.case.verify import changes
        from mesorch_cli.files.hashing import sha256_below

        case_file = read_case(case)
        if public_key is not None:
            require_signature(case, public_key)
        folder = None if without_evidence else evidence or Path(case_file.evidence)
        found = 0
        with Journal(case, read_only=True) as journal, console.count_progress("verified", wanted=not quiet) as progress:
            total, done = max(1, case_file.counts.found), 0

            def on_file() -> None:
                nonlocal done
                done += 1
                progress(min(done, total), total)

            for change in changes(case, case_file, journal, folder, on_file):
                found += 1
                if as_json:
                    console.write_json({"what": change.what, "name": change.name, "change": change.how})
                else:
                    console.write_data(change.what, change.name, change.how)
        if found:
            raise VerificationError(
                f"{str(case)!r} or its evidence is not as recorded. Changes, listed on stdout: {found}."
            )
        if not as_json:
            console.write_data(OK, sha256_below(case, SUMS))
