"""Signing a case: a key shows who vouches for it, while its checksums only show that it is intact.

The signature covers the SHA-256 of SHA256SUMS, which covers every file of the case. Among them, `case.json` has the
digest of the journal.
"""

from pathlib import Path

from mesorch_cli import signing
from mesorch_cli.case.opening import opened_to_read
from mesorch_cli.case.tables import SUMS
from mesorch_cli.case.verify import changes
from mesorch_cli.errors import VerificationError
from mesorch_cli.files.hashing import sha256_below

SIGNATURE = SUMS + signing.SUFFIX


def sign_case(case: Path, private_key: Path) -> tuple[Path, str]:
    """Sign an unchanged case. Return the path of the signature and the signed SHA-256.

    Raises UsageError for an invalid key, and for an invalid or unfinished case; VerificationError if anything in the
    case was changed; OutputError if the signature cannot be written.
    """
    key = signing.read_private_key(private_key)
    with opened_to_read(case) as (case_file, journal):
        found = next(changes(case, case_file, journal, None, lambda: None), None)
    if found is not None:
        raise VerificationError(
            f"The case {str(case)!r} was changed: {found.name!r} {found.how}. It was not signed. `mesorch verify` "
            "names every change."
        )
    sha256 = sha256_below(case, SUMS)
    path = case / SIGNATURE
    signing.write_signature(path, signing.sign_digest(sha256, key))
    return path, sha256


def require_signature(case: Path, public_key: Path) -> None:
    """Raise VerificationError unless the key's owner signed the case as it is now, UsageError for an invalid key."""
    key = signing.read_public_key(public_key)
    try:
        sha256 = sha256_below(case, SUMS)
    except OSError as error:
        raise VerificationError(
            f"{str(case / SUMS)!r} cannot be read: {error.strerror}. Nothing was signed."
        ) from error
    signing.verify_digest(signing.read_signature(case / SIGNATURE), sha256, key, str(case / SUMS))
