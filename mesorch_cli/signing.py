"""Ed25519 signatures with PEM keys. A signature proves who made a file; a checksum only shows that it is intact.

`openssl genpkey -algorithm ed25519 -out key.pem` makes a private key, and `openssl pkey -in key.pem -pubout -out
public.pem` the public key that others need. The signature covers a SHA-256, whatever was hashed.
"""

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mesorch_cli.bounds import json_within
from mesorch_cli.errors import UsageError, VerificationError
from mesorch_cli.files.reading import read
from mesorch_cli.files.writing import write_whole
from mesorch_cli.validation import first_problem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SCHEMA: Literal["mesorch.signature/1"] = "mesorch.signature/1"
SUFFIX = ".sig"  # after the whole name: weights.safetensors.sig
MOST_BYTES = 65536  # of a key, or of a signature's file
CONTEXT = b"mesorch.signature/1\0"  # before the hash, so that the signature cannot be reused for anything else
MAKE_KEY = "Make one with `openssl genpkey -algorithm ed25519 -out key.pem`."
MAKE_PUBLIC = "Make it from the private key with `openssl pkey -in key.pem -pubout -out public.pem`."

Hexadecimal = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Signature(BaseModel):
    """A detached signature. sha256: what was signed. public_key: the signer's raw key, for comparison only, no proof.

    signature: Ed25519 over CONTEXT and the 32 bytes of the hash, as Base64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["mesorch.signature/1"] = Field(default=SCHEMA, alias="schema")
    algorithm: Literal["Ed25519"] = "Ed25519"
    sha256: Hexadecimal
    public_key: Hexadecimal
    signature: Annotated[str, Field(max_length=200)]

    def to_text(self) -> str:
        """Return the text of its file."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def _small_file(path: Path, what: str) -> bytes:
    """Return the bytes of a small ordinary file. Raises UsageError for any other file."""
    try:
        return read(path, MOST_BYTES)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Expected {what}.") from error


def read_private_key(path: Path) -> "Ed25519PrivateKey":
    """Read a private key. Raises UsageError for anything else, another kind of key, or one with a passphrase."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    what = "a private Ed25519 key as PEM, without a passphrase"
    try:
        key = load_pem_private_key(_small_file(path, what), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: the key has a passphrase
        raise UsageError(f"{path} is not a usable key: {error}. Expected {what}. {MAKE_KEY}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} contains another kind of key, {type(key).__name__}. Expected {what}. {MAKE_KEY}")
    return key


def read_public_key(path: Path) -> "Ed25519PublicKey":
    """Read a public key. Raises UsageError for anything else, and for another kind of key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    what = "a public Ed25519 key as PEM"
    try:
        key = load_pem_public_key(_small_file(path, what))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is not a public key: {error}. Expected {what}. {MAKE_PUBLIC}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} contains another kind of key, {type(key).__name__}. Expected {what}. {MAKE_PUBLIC}")
    return key


def sign_digest(sha256: str, key: "Ed25519PrivateKey") -> Signature:
    """Sign a SHA-256 given as hexadecimal text."""
    made = key.sign(CONTEXT + bytes.fromhex(sha256))
    public = key.public_key().public_bytes_raw().hex()
    return Signature(sha256=sha256, public_key=public, signature=base64.b64encode(made).decode("ascii"))


def verify_digest(signature: Signature, sha256: str, key: "Ed25519PublicKey", what: str) -> None:
    """Raise VerificationError unless the key's owner signed this SHA-256. what: the signed thing, for messages."""
    from cryptography.exceptions import InvalidSignature

    if signature.sha256 != sha256:
        raise VerificationError(
            f"{what} has the SHA-256 {sha256[:16]}..., but its signature is for {signature.sha256[:16]}... It was "
            "changed after it was signed, or the signature belongs to another file: get both again."
        )
    own = key.public_bytes_raw().hex()
    try:
        key.verify(base64.b64decode(signature.signature, validate=True), CONTEXT + bytes.fromhex(sha256))
    except (InvalidSignature, ValueError) as error:  # ValueError: not Base64
        other = "" if signature.public_key == own else f" It says that the key {signature.public_key[:16]}... made it."
        raise VerificationError(
            f"{what} was not signed with the key {own[:16]}... that you gave.{other} Do not use it before you know "
            "who made it."
        ) from error


def signature_of(path: Path) -> Path:
    """Return the path of a file's signature."""
    return path.with_name(path.name + SUFFIX)


def read_signature(path: Path) -> Signature:
    """Read a signature. Raises VerificationError if the file is missing or invalid."""
    if not os.path.lexists(path):
        raise VerificationError(f"There is no signature {path}. Expected one beside the signed file: ask its maker.")
    try:
        return Signature.model_validate(json_within(_small_file(path, "a signature")))
    except ValidationError as error:
        problem = first_problem(error)
    except ValueError as error:
        problem = str(error)
    raise VerificationError(f"{path} is not a signature, {problem}. Expected {SCHEMA}. Get it again from its maker.")


def write_signature(path: Path, signature: Signature) -> None:
    """Write a signature atomically. Raises OutputError if it cannot be written."""
    write_whole(path, signature.to_text().encode("ascii"))
