"""Signatures of weights: beside the file, of the SHA-256 that stands for it in records."""

from pathlib import Path

from mesorch_cli import signing
from mesorch_cli.errors import VerificationError, WeightsError


def sign(path: Path, sha256: str, private_key: Path) -> Path:
    """Sign weights and return the signature's path. Raises UsageError for a key that is none, OutputError."""
    place = signing.signature_of(path)
    signing.write_signature(place, signing.sign_digest(sha256, signing.read_private_key(private_key)))
    return place


def require_signature(path: Path, sha256: str, public_key: Path) -> None:
    """Raise WeightsError unless the owner of the key signed these weights, UsageError for a key that is none."""
    key = signing.read_public_key(public_key)
    try:
        signing.verify_digest(signing.read_signature(signing.signature_of(path)), sha256, key, str(path))
    except VerificationError as error:
        raise WeightsError(str(error)) from error
