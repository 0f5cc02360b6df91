"""C2PA manifests: what they claim, which checks hold, and that nothing is fetched."""

import builtins
import json
import socket
from typing import Any

import pytest

from mesorch_cli.evidence import ReadOptions, read_photo
from mesorch_cli.evidence.metadata.provenance import NOTE, read_provenance
from mesorch_cli.files.hashing import sha256_bytes
from tests.evidence.samples import encoded, picture
from tests.evidence.signing import Authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("Test")


@pytest.fixture(scope="module")
def signed(authority: Authority) -> bytes:
    return authority.sign(encoded(picture(), "JPEG"))


def codes(facts: dict[str, Any], kind: str) -> set[str]:
    return {entry["code"] for entry in facts["codes"] if entry["kind"] == kind}


def test_a_sound_manifest_says_who_what_and_how(signed: bytes) -> None:
    photo = read_photo("-", data=signed, options=ReadOptions(provenance=True))
    facts = photo.provenance
    assert photo.decode.integrity.ok
    assert (facts["status"], facts["state"], facts["embedded"]) == ("found", "Valid", True)
    assert facts["signer"]["common_name"] == "Test Signer"
    assert facts["signer"]["issuer"] == "Test Org"
    assert facts["generator"][0]["name"] == "Test Camera"
    assert facts["title"] == "a test photo"
    assert [action["action"] for action in facts["actions"]] == ["c2pa.created", "c2pa.edited"]
    assert facts["actions"][0]["digitalSourceType"].endswith("trainedAlgorithmicMedia")
    assert {"claimSignature.validated", "assertion.dataHash.match"} <= codes(facts, "success")
    assert codes(facts, "failure") == set()
    assert facts["trust_list_sha256"] is None
    assert "signingCredential.trusted" not in codes(facts, "success")
    json.dumps(facts, allow_nan=False)


def test_the_note_says_what_it_does_not_mean(signed: bytes) -> None:
    for data in (signed, encoded(picture(), "JPEG"), encoded(picture(), "BMP")):
        note = read_photo("-", data=data, options=ReadOptions(provenance=True)).provenance["note"]
        assert note == NOTE
        assert "Invalid does not mean tampered, valid does not mean true" in note


def test_signers_are_checked_against_the_list_given_and_no_other(signed: bytes, authority: Authority) -> None:
    trusted = read_provenance(signed, "JPEG", authority.root_pem)
    assert trusted["state"] == "Trusted"
    assert "signingCredential.trusted" in codes(trusted, "success")
    assert trusted["trust_list_sha256"] == sha256_bytes(authority.root_pem.encode())
    other = read_provenance(signed, "JPEG", Authority("Other").root_pem)
    assert other["state"] == "Valid"
    assert "signingCredential.untrusted" in codes(other, "failure")


def test_a_changed_picture_fails_its_hash_and_all_codes_stay(signed: bytes) -> None:
    changed = bytearray(signed)
    changed[-300] ^= 4
    facts = read_provenance(bytes(changed), "JPEG")
    assert facts["state"] == "Invalid"
    assert "assertion.dataHash.mismatch" in codes(facts, "failure")
    assert "claimSignature.validated" in codes(facts, "success")


def test_a_damaged_manifest_is_told_and_no_crash(signed: bytes) -> None:
    at = signed.index(b"jumb")
    facts = read_provenance(signed[: at + 40] + bytes(400) + signed[at + 440 :], "JPEG")
    assert facts["status"] in ("unreadable", "found", "absent")
    if facts["status"] == "found":
        assert facts["state"] == "Invalid"


def test_ingredients_are_listed_with_their_own_codes(signed: bytes, authority: Authority) -> None:
    facts = read_provenance(authority.sign(encoded(picture(seed=6), "JPEG"), parent=signed), "JPEG")
    assert facts["manifests"] == 2
    assert facts["ingredients"][0]["title"] == "parent.jpg"
    assert facts["ingredients"][0]["relationship"] == "parentOf"


def test_a_remote_manifest_is_never_fetched(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa"
        data = authority.sign(encoded(picture(), "JPEG"), remote=address)
        facts = read_provenance(data, "JPEG")
        assert facts["status"] == "remote"
        assert address in facts["reason"]
        with pytest.raises(TimeoutError):
            server.accept()


def test_absent_and_not_examined_have_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_provenance(encoded(picture(), "JPEG"), "JPEG")["status"] == "absent"
    assert read_provenance(encoded(picture(), "PNG"), "PNG")["status"] == "absent"
    unread = read_provenance(encoded(picture(), "BMP"), "BMP")
    assert unread["status"] == "not examined"
    assert "BMP" in unread["reason"]
    load = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "c2pa":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    missing = read_provenance(encoded(picture(), "JPEG"), "JPEG")
    assert missing["status"] == "not examined"
    assert "is not installed" in missing["reason"]


@pytest.mark.parametrize(
    ("format_name", "mime"), [("PNG", "image/png"), ("WEBP", "image/webp"), ("TIFF", "image/tiff")]
)
def test_other_formats_carry_manifests_too(authority: Authority, format_name: str, mime: str) -> None:
    data = authority.sign(encoded(picture(), format_name), mime)
    photo = read_photo("-", data=data, options=ReadOptions(provenance=True))
    assert photo.decode.integrity.ok
    assert photo.provenance["state"] == "Valid"


def test_without_being_asked_nothing_is_examined(signed: bytes) -> None:
    assert read_photo("-", data=signed).provenance == {}
