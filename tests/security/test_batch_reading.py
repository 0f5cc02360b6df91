"""What `batch` reads and believes while others are at work: folders that become links, a decoder that lies."""

import json
from pathlib import Path

import pytest

from mesorch_cli.case.journal import Journal
from mesorch_cli.errors import InputError
from mesorch_cli.evidence.decoding import reader
from mesorch_cli.evidence.decoding.reader import read_photo
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.files.hashing import sha256_bytes
from tests.case.folders import fill, photo
from tests.case.test_batch import Work
from tests.evidence.samples import encoded, picture

from .dying import put_into_workers

PNG = encoded(picture(), "PNG")
LYING = """
import dataclasses, os
from mesorch_cli.evidence.isolation import worker
describes = worker.described
def described(photo):
    lies = os.path.basename(photo.source) == "a.png"
    return describes(dataclasses.replace(photo, sha256="{sha256}") if lies else photo)
worker.described = described
"""


def test_a_folder_exchanged_for_a_link_is_not_followed(tmp_path: Path, tiny_weights: Path) -> None:
    """The evidence was listed; then a folder of it becomes a link to pictures outside."""
    evidence = fill(tmp_path / "evidence", {"sub/a.png": photo(1), "z.png": photo(2)})
    outside = fill(tmp_path / "outside", {"a.png": photo(3)})

    def exchange(path: str) -> None:
        if path == "sub/a.png":
            (evidence / "sub").rename(tmp_path / "was sub")
            (evidence / "sub").symlink_to(outside)

    rows = Work(tmp_path, tiny_weights, exchange).rows
    assert (rows["sub/a.png"].status, rows["sub/a.png"].sha256) == ("failed", None)
    assert rows["z.png"].status == "analysed"
    assert not list((tmp_path / "case" / "photos" / "sub").rglob("overlay.png"))
    assert json.loads(rows["sub/a.png"].record)["input"]["size"] is None


@pytest.mark.parametrize("isolated", [True, False], ids=["in a process", "here"])
def test_no_link_on_the_way_below_a_root(tmp_path: Path, isolated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesorch_cli.evidence.isolation.isolated_reader.SUPPORTED", isolated)
    (tmp_path / "root" / "real").mkdir(parents=True)
    (tmp_path / "root" / "real" / "a.png").write_bytes(PNG)
    (tmp_path / "b.png").write_bytes(PNG)
    (tmp_path / "root" / "linked").symlink_to("real")
    (tmp_path / "root" / "b.png").symlink_to(tmp_path / "b.png")
    with IsolatedReader() as isolated_reader:

        def read(path: str) -> str:
            return isolated_reader.read("shown", root=tmp_path / "root", path=path).sha256

        assert read("real/a.png") == sha256_bytes(PNG)
        for path, reason in {
            "linked/a.png": "unreadable",
            "b.png": "unreadable",
            "../b.png": "missing",
            "real": "not a file",
            "none.png": "missing",
        }.items():
            with pytest.raises(InputError) as caught:
                read(path)
            assert caught.value.reason == reason, path


def test_a_decoder_cannot_give_its_result_to_another_photo(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that a.png has taken over says that a.png has the hash of z.png, which would then be its copy."""
    evidence = fill(tmp_path / "evidence", {name: photo(seed) for seed, name in enumerate(["a.png", "m.png", "z.png"])})
    other = sha256_bytes((evidence / "z.png").read_bytes())
    put_into_workers(monkeypatch, LYING.replace("{sha256}", other))
    rows = Work(tmp_path, tiny_weights).rows
    assert rows["a.png"].sha256 == other  # what it said, beside what we found
    assert json.loads(rows["a.png"].record)["result"]["flags"] == ["the file changed during the analysis"]
    assert rows["z.png"].copy_of is None
    with Journal(tmp_path / "case", read_only=True) as journal:
        original = journal.with_content(other, rows["z.png"].settings)
    assert original is not None
    assert original.path == "z.png"


@pytest.mark.parametrize("error", [TypeError("x"), AttributeError("x"), AssertionError("x"), NameError("x")], ids=repr)
def test_an_error_of_our_own_is_no_damage(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as a fault of the program; the next photo is read."""

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(reader, "PACKAGE", Path(__file__).parent)  # for once, this file is the program
    monkeypatch.setattr(reader, "decode", broken)
    with pytest.raises(InputError) as caught:
        read_photo("-", data=PNG)
    assert caught.value.reason == f"fault: {type(error).__name__}"
    assert "not of the file" in str(caught.value)
    monkeypatch.undo()
    assert read_photo("-", data=PNG).sha256 == sha256_bytes(PNG)


def test_what_a_codec_raises_is_damage_whatever_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise TypeError("of a library")

    monkeypatch.setattr(reader, "decode", broken)
    with pytest.raises(InputError) as caught:
        read_photo("-", data=PNG)
    assert caught.value.reason == "damaged"
