"""A signed case: the owner of the key and nobody else, this state and no other."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from tests.case.folders import fill, made_case, own_case, photo


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def a_key(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a private and a public key; return their paths."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    root = tmp_path_factory.mktemp("signed")
    fill(root / "evidence", {"a.png": photo(1)})
    return made_case(root, tiny_weights, code=0)


@pytest.fixture
def case(made: Path, tmp_path: Path) -> Path:
    return own_case(made, tmp_path)


def verified(case: Path, public: Path) -> Result:
    return invoke("verify", case, "--without-evidence", "-q", "--public-key", public)


def test_a_signature_proves_its_key_and_its_state(case: Path, tmp_path: Path) -> None:
    private, public = a_key(tmp_path, "mine")
    _, other = a_key(tmp_path, "other")
    assert verified(case, public).exit_code == 6  # nobody signed it yet
    signed = invoke("case", "sign", case, "--key", private)
    assert signed.exit_code == 0, signed.output
    path, sha256 = signed.stdout.rstrip().split("\t")
    assert path == str(case / "SHA256SUMS.sig")
    found = verified(case, public)
    assert (found.exit_code, found.stdout) == (0, f"ok\t{sha256}\n")
    assert invoke("verify", case, "--without-evidence", "-q").exit_code == 0
    refused = verified(case, other)
    assert refused.exit_code == 6
    assert "was not signed with the key" in refused.stderr


def test_a_case_that_was_changed_and_sealed_anew_is_not_what_was_signed(case: Path, tmp_path: Path) -> None:
    private, public = a_key(tmp_path, "mine")
    assert invoke("case", "sign", case, "--key", private).exit_code == 0
    (case / "SHA256SUMS").write_bytes((case / "SHA256SUMS").read_bytes() + b"\n")
    refused = verified(case, public)
    assert refused.exit_code == 6
    assert "It was changed after it was signed" in refused.stderr


def test_a_changed_case_is_not_signed(case: Path, tmp_path: Path) -> None:
    private, _ = a_key(tmp_path, "mine")
    fill(case, {"photos/a.png/mask.png": b"another"})
    refused = invoke("case", "sign", case, "--key", private)
    assert refused.exit_code == 6
    assert "photos/a.png/mask.png" in refused.stderr
    assert not (case / "SHA256SUMS.sig").exists()


@pytest.mark.parametrize("broken", ["nothing", "no JSON", "another key's name", "depth"])
def test_a_signature_that_is_none_is_refused(case: Path, tmp_path: Path, broken: str) -> None:
    private, public = a_key(tmp_path, "mine")
    assert invoke("case", "sign", case, "--key", private).exit_code == 0
    path = case / "SHA256SUMS.sig"
    values = json.loads(path.read_text())
    texts = {
        "nothing": "", "no JSON": "x" * 100, "depth": "[" * 5000,
        "another key's name": json.dumps(values | {"public_key": "0" * 64, "signature": "AAAA"}),
    }  # fmt: skip
    path.write_text(texts[broken])
    assert verified(case, public).exit_code == 6


def test_keys_of_other_kinds_are_refused(case: Path, tmp_path: Path) -> None:
    private, public = a_key(tmp_path, "mine")
    for key in (public, tmp_path / "none.pem", case / "case.json"):
        assert invoke("case", "sign", case, "--key", key).exit_code == 2
    assert verified(case, private).exit_code == 2
