"""`mesorch case`: commands for a case as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.batch import exit_code, report_case
from mesorch_cli.cli.guard import guard

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def case() -> None:
    """Join the shares of a case, or sign a case.

    Example: mesorch case merge share1 share2 share3 -o case

    Example: mesorch case sign case --key key.pem
    """


@app.command()
def sign(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="Folder that `mesorch batch` made.")],
    key: Annotated[Path, typer.Option(metavar="KEY.pem", help="Your private Ed25519 key.")],
) -> None:
    """Sign a case with your key, so that others can check who vouches for it and that nothing has changed since.

    Checksums reveal accidental changes, but anyone who can write to a case can also correct its checksums. A signature
    cannot be made without the key. The case is verified first, without its evidence. The signature covers SHA256SUMS
    and, through it, every file of the case. It is written to SHA256SUMS.sig. If a later `batch` or `report` changes the
    case, the signature no longer holds: sign again. Others check it with `mesorch verify CASE --public-key PUB.pem`.

    To make a key: `openssl genpkey -algorithm ed25519 -out key.pem`. To get its public key: `openssl pkey -in key.pem
    -pubout -out public.pem`.

    On stdout: the signature file and the signed SHA-256, separated by a tab.

    Exit codes: 0 signed, 2 no case, an unfinished one, or no key, 6 the case was changed after it was made.

    Example: mesorch case sign case --key key.pem
    """
    with guard():
        from mesorch_cli.case.signature import sign_case

        path, sha256 = sign_case(case, key)
        console.write_data(path, sha256)


@app.command()
def merge(
    shares: Annotated[list[Path], typer.Argument(metavar="SHARE", help="Cases made with --shard 1/N to N/N.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="CASE", help="Folder for the joined case, new or empty.")
    ],
    fail_on_findings: options.FailOnFindings = False,
    quiet: options.Quiet = False,
) -> None:
    """Join shares that were analysed separately into the case that a single run would have made.

    All shares must be present and finished, with the same evidence, weights, settings and versions. CASE gets their
    pictures as hard links, or as copies where the file system has no hard links. The shares stay as they are. Each
    picture is hashed before it is accepted.

    On stdout: case, found, analysed, not analysed, failed, photos with evidence of manipulation and the SHA-256 of
    SHA256SUMS, separated by tabs.

    Exit codes: those of `mesorch batch`, and 6 if a share was changed after it was made, or one of its pictures differs
    from its journal.

    Example: mesorch case merge share1 share2 share3 -o case
    """
    with guard():
        from mesorch_cli.case import merge as joining
        from mesorch_cli.case.journal import Journal

        with console.count_progress("joined", wanted=not quiet) as on_file:
            case_file, sums = joining.merge(shares, output, on_file)
        with Journal(output, read_only=True) as journal:
            report_case(output, case_file, sums, journal, quiet, as_json=False)
        raise typer.Exit(exit_code(case_file, interrupted=False, fail_on_findings=fail_on_findings))
