"""A case signed: who vouches for it, shown by a key, where its checksums only show that it is whole.

What is signed is the SHA-256 of SHA256SUMS, which covers every file of the case; `case.json` among them has the digest of
the journal.
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
    """Sign a case that is as it was made; return the signature's path and the SHA-256 that it is of.

    Raises UsageError for a key or a case that is none or unfinished, VerificationError if anything in the case was changed,
    OutputError if the signature cannot be written.
    """
    key = signing.read_private_key(private_key)
    with opened_to_read(case) as (case_file, journal):
        found = next(changes(case, case_file, journal, None, lambda: None), None)
    if found is not None:
        raise VerificationError(
            f"The case {str(case)!r} is not as it was made: {found.name!r} {found.how}. It is not signed; `mesorch verify` "
            "names everything that changed."
        )
    sha256 = sha256_below(case, SUMS)
    path = case / SIGNATURE
    signing.write_signature(path, signing.sign_digest(sha256, key))
    return path, sha256


def require_signature(case: Path, public_key: Path) -> None:
    """Raise VerificationError unless the owner of the key signed the case as it is, UsageError for a key that is none."""
    key = signing.read_public_key(public_key)
    try:
        sha256 = sha256_below(case, SUMS)
    except OSError as error:
        raise VerificationError(
            f"{str(case / SUMS)!r} cannot be read: {error.strerror}. Nothing was signed."
        ) from error
    signing.verify_digest(signing.read_signature(case / SIGNATURE), sha256, key, str(case / SUMS))
