"""Signatures of weights. They are beside the file and cover the SHA-256 that records name."""

from pathlib import Path

from mesorch_cli import signing
from mesorch_cli.errors import VerificationError, WeightsError


def sign(path: Path, sha256: str, private_key: Path) -> Path:
    """Sign weights and return the signature's path. Raises UsageError for an invalid key, OutputError."""
    place = signing.signature_of(path)
    signing.write_signature(place, signing.sign_digest(sha256, signing.read_private_key(private_key)))
    return place


def require_signature(path: Path, sha256: str, public_key: Path) -> None:
    """Raise WeightsError unless the key's owner signed these weights, UsageError for an invalid key."""
    key = signing.read_public_key(public_key)
    try:
        signing.verify_digest(signing.read_signature(signing.signature_of(path)), sha256, key, str(path))
    except VerificationError as error:
        raise WeightsError(str(error)) from error
