"""Signatures: who made weights, checked by a second program's library and refused where anything is not as signed."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from typer.testing import CliRunner, Result

from mesorch_cli import signing
from mesorch_cli.cli.app import app
from mesorch_cli.errors import UsageError, VerificationError
from mesorch_cli.network.header import read_passport
from tests.security import graphs


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def private_pem(key: object, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())  # type: ignore[attr-defined]


def write_keys(folder: Path, name: str) -> tuple[Path, Path]:
    key = ed25519.Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}-public.pem"
    private.write_bytes(private_pem(key))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return write_keys(tmp_path, "own")


@pytest.fixture
def signed(tiny_weights: Path, tmp_path: Path, keys: tuple[Path, Path]) -> Path:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(tiny_weights.read_bytes())
    result = run("weights", "sign", path, "--key", keys[0])
    assert result.exit_code == 0, result.stderr
    return path


def test_a_signature_is_plain_ed25519_over_the_hash(signed: Path, keys: tuple[Path, Path]) -> None:
    values = json.loads(signed.with_name("mine.safetensors.sig").read_text())
    assert values["sha256"] == hashlib.sha256(signed.read_bytes()).hexdigest()
    key = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(values["public_key"]))
    message = b"mesorch.signature/1\0" + bytes.fromhex(values["sha256"])
    key.verify(base64.b64decode(values["signature"]), message)  # raises where it does not hold
    assert key == signing.read_public_key(keys[1])


def test_signed_weights_are_used(signed: Path, keys: tuple[Path, Path], write_photo: Callable[..., Path]) -> None:
    photo = write_photo("photo.png")
    result = run("weights", "verify", signed, "--public-key", keys[1])
    assert result.exit_code == 0, result.stderr
    assert "signed by the owner of own-public.pem" in result.stdout
    result = run("detect", photo, "--weights", signed, "--public-key", keys[1], "--no-artefacts")
    assert result.exit_code == 0, result.stderr


def test_others_are_not(
    signed: Path, keys: tuple[Path, Path], write_photo: Callable[..., Path], tmp_path: Path
) -> None:
    photo, (_, stranger) = write_photo("photo.png"), write_keys(tmp_path, "stranger")
    place = signing.signature_of(signed)
    text = place.read_text()
    forged = json.loads(text)
    forged["signature"] = base64.b64encode(bytes(64)).decode()
    # Somebody else's signature that claims the key which is asked for.
    claimed = signing.sign_digest(forged["sha256"], ed25519.Ed25519PrivateKey.generate())
    claimed = claimed.model_copy(update={"public_key": forged["public_key"]})
    other = json.loads(text) | {"sha256": "0" * 64}
    cases = (
        (text, stranger, "was not signed with the key"),
        (json.dumps(forged), keys[1], "was not signed with the key"),
        (claimed.to_text(), keys[1], "was not signed with the key"),
        (json.dumps(other), keys[1], "It was changed after"),
        ("{}", keys[1], "is not a signature"),
        ("[" * 9000, keys[1], "is not a signature"),
    )
    for content, public, words in cases:
        place.write_text(content)
        for command in (
            ("weights", "verify", signed),
            ("detect", photo, "--weights", signed, "--no-artefacts"),
            ("batch", photo.parent, "-o", tmp_path / "case", "--weights", signed),
        ):
            result = run(*command, "--public-key", public)
            assert result.exit_code == 5, result.output
            assert words in result.stderr
    assert not (tmp_path / "case").exists()
    place.unlink()
    assert "no signature" in run("weights", "verify", signed, "--public-key", keys[1]).stderr


def test_of_openvino_both_files_are_signed(tiny_weights: Path, tmp_path: Path, keys: tuple[Path, Path]) -> None:
    path = graphs.write(tmp_path / "own.xml", read_passport(tiny_weights))
    assert run("weights", "sign", path, "--key", keys[0]).exit_code == 0
    assert run("weights", "verify", path, "--public-key", keys[1]).exit_code == 0
    # Another network, whole by its checksums.
    graphs.write(path, read_passport(tiny_weights), factor=3.0)
    result = run("weights", "verify", path, "--public-key", keys[1])
    assert result.exit_code == 5
    assert "It was changed after" in result.stderr


def test_keys_that_are_none_are_said_before_the_work(tmp_path: Path, keys: tuple[Path, Path], signed: Path) -> None:
    curve, locked, text = tmp_path / "curve.pem", tmp_path / "locked.pem", tmp_path / "text.pem"
    curve.write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1())))
    locked.write_bytes(private_pem(ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(b"word")))
    text.write_text("no key")
    for path in (curve, locked, text, tmp_path / "missing.pem", keys[1]):
        for command in (
            ("weights", "sign", signed, "--key", path),
            ("export", "--weights", signed, "-o", tmp_path / "made.onnx", "--sign", path),
        ):
            result = run(*command)
            assert result.exit_code == 2, result.output
            assert "a private Ed25519 key" in result.stderr
    for path in (curve, text, tmp_path / "missing.pem", keys[0]):
        result = run("weights", "verify", signed, "--public-key", path)
        assert result.exit_code == 2, result.output
        assert "a public Ed25519 key" in result.stderr
    assert not (tmp_path / "made.onnx").exists()


def test_a_signature_is_for_one_digest(keys: tuple[Path, Path]) -> None:
    made = signing.sign_digest("ab" * 32, signing.read_private_key(keys[0]))
    public = signing.read_public_key(keys[1])
    signing.verify_digest(made, "ab" * 32, public, "the case")
    with pytest.raises(VerificationError, match="the case has the SHA-256"):
        signing.verify_digest(made, "cd" * 32, public, "the case")
    with pytest.raises(UsageError, match="no regular file"):
        signing.read_public_key(Path("/dev/zero"))
