"""Metadata never costs a photo: whatever a reader of it meets, the pixels come, and what failed is a note."""

import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mesorch_cli.evidence import ReadOptions, read_photo
from mesorch_cli.evidence.isolation import reading_process
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.metadata import exiftool, provenance
from mesorch_cli.evidence.metadata.plain import plain
from mesorch_cli.evidence.metadata.provenance import read_provenance
from mesorch_cli.evidence.metadata.thumbnail import compare_thumbnail
from mesorch_cli.evidence.tags.exif import MAX_TAGS, read_exif
from mesorch_cli.evidence.tags.iptc import read_iptc
from mesorch_cli.evidence.tags.xmp import read_xmp

PICTURE = np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def jpeg(picture: np.ndarray = PICTURE, **options: Any) -> bytes:
    with io.BytesIO() as stream:
        Image.fromarray(picture).save(stream, "JPEG", **options)
        return stream.getvalue()


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that installs a program as ExifTool, and asks it about a photo."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def ask(script: str) -> dict[str, Any]:
        program = folder / "exiftool"
        program.write_text(f"#!{sys.executable}\n{script}")
        program.chmod(0o755)
        return read_photo("-", data=jpeg(), options=ReadOptions(exiftool=True)).metadata

    return ask


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_numbers_without_a_word_in_json_become_texts(asked: Any, number: str) -> None:
    metadata = asked(f'print(\'[{{"XMP:Rating": {number}, "Test:Nested": [[{number}]]}}]\')')
    assert metadata["exiftool"]["tags"]["XMP:Rating"] == str(float(number))
    json.dumps(metadata, allow_nan=False)


@pytest.mark.parametrize(
    "answer",
    ["print('[' * 100000)", "print('[1]')", "print('[null]')", "print('[{}, {}]')", "print('{')", "pass",
     "print('[{\"a\": ' + '9' * 5000 + '}]')"],
    ids=["nested", "a number", "null", "two", "cut", "nothing", "a long number"],
)  # fmt: skip
def test_an_answer_of_another_kind_is_a_note(asked: Any, answer: str) -> None:
    metadata = asked(answer)
    assert "exiftool" not in metadata
    assert [note for note in metadata["notes"] if "ExifTool is installed and gave no result" in note]


def test_half_a_character_can_be_written(asked: Any) -> None:
    json.dumps(asked('print(\'[{"Test:\\\\ud800": "\\\\udfff"}]\')'), ensure_ascii=False).encode("utf-8")


def test_an_endless_answer_is_stopped(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exiftool, "MAX_OUTPUT", 1 << 18)
    metadata = asked("while True: print('[' * 1000)")
    assert [note for note in metadata["notes"] if "gave no result (ValueError)" in note]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition: Any, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_after_its_time_the_program_is_killed_with_what_it_started(
    asked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exiftool, "SECONDS", 1.0)
    pids = tmp_path / "pids"
    started = time.monotonic()
    metadata = asked(
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(600)\n"
    )
    assert time.monotonic() - started < 15
    assert [note for note in metadata["notes"] if "did not finish within 2 s and was stopped" in note]
    for pid in map(int, pids.read_text().split()):
        assert wait_for(lambda pid=pid: not lives(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills the children of the dead")
def test_the_program_dies_with_the_process_that_asked_it(tmp_path: Path) -> None:
    program, pids = tmp_path / "exiftool", tmp_path / "pid"
    program.write_text(
        f"#!{sys.executable}\nimport os, time\nopen({str(pids)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    )
    program.chmod(0o755)
    script = "from mesorch_cli.evidence.metadata.exiftool import read_exiftool; read_exiftool(b'x', [], 600)"
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as asking:
        assert wait_for(lambda: pids.exists() and pids.read_text() != "")
        assert lives(int(pids.read_text()))
        asking.kill()
    assert wait_for(lambda: not lives(int(pids.read_text())))


def test_a_program_of_that_name_in_the_working_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "exiftool"
    program.write_text("#!/bin/sh\necho '[{}]'; touch run\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".")
    assert exiftool.read_exiftool(jpeg(), []) is None
    assert not (tmp_path / "run").exists()


def thumbnail_of(width: int, height: int) -> bytes:
    """Return an EXIF block whose thumbnail says in its frame header that it has this size."""
    small = bytearray(jpeg(PICTURE))
    at = small.index(b"\xff\xc0") + 5
    small[at : at + 4] = struct.pack(">HH", height, width)
    entries = struct.pack("<HHII", 0x0201, 4, 1, 44) + struct.pack("<HHII", 0x0202, 4, 1, len(small))
    return b"II*\0\x08\0\0\0" + struct.pack("<HI", 0, 14) + struct.pack("<H", 2) + entries + bytes(4) + bytes(small)


@pytest.mark.parametrize("size", [(65535, 65535), (1, 65535), (1025, 8), (0, 0), (64, 0)])
def test_a_thumbnail_that_claims_a_huge_picture_is_not_decoded(size: tuple[int, int]) -> None:
    photo = read_photo("-", data=jpeg(exif=b"Exif\0\0" + thumbnail_of(*size)))
    assert photo.decode.integrity.ok
    assert photo.metadata["thumbnail"].get("correlation") is None
    assert len([note for note in photo.metadata["notes"] if note.startswith("thumbnail: ")]) == 1
    if max(size) > 1024:
        assert f"claims {size[0]} x {size[1]} pixels" in photo.metadata["notes"][0]


def test_a_thumbnail_beside_a_very_long_photo_is_compared() -> None:
    facts = compare_thumbnail(thumbnail_of(64, 48), np.zeros((8, 200_000, 3), np.uint8), [])
    assert facts is not None
    assert facts["width"] == 64


def packet(inner: str) -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:r="{RDF}" xmlns:p="http://p/">{inner}</x:xmpmeta>'.encode()


def test_nested_xmp_takes_no_longer_than_its_length() -> None:
    deep = packet("<p:a><r:li>v" * 40_000 + "</r:li></p:a>" * 40_000)
    wide = packet(("<p:a>" * 20 + "<r:li>v</r:li>" * 30 + "</p:a>" * 20) * 1200)
    for data in (deep, wide):
        assert len(data) < 1 << 20
        notes: list[str] = []
        started = time.monotonic()
        read_xmp(data, notes)
        assert time.monotonic() - started < 3
        assert len(notes) == 1
    assert "nests elements" in str(read_note(deep))


def read_note(data: bytes) -> list[str]:
    notes: list[str] = []
    assert read_xmp(data, notes) == {}
    return notes


def test_entities_are_refused_in_every_encoding() -> None:
    text = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        start = "" if encoding == "utf-8" else "\ufeff"
        assert "declares entities" in read_note((start + text).encode(encoding))[0]


def test_a_rating_that_is_no_number_is_a_text() -> None:
    data = packet('<r:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="1e999"/>')
    photo = read_photo("-", data=jpeg(xmp=data))
    assert photo.metadata["xmp"]["properties"]["xmp:Rating"] == "1e999"


def test_tags_that_point_at_a_large_file_again_and_again_are_read_in_part() -> None:
    size = 1 << 26
    for kind in (2, 7):
        entry = struct.pack("<HHII", 0x9C9A, kind, size - 8, 8)
        head = b"II*\0" + struct.pack("<I", size) + b"x" * (size - 8)
        block = head + struct.pack("<H", MAX_TAGS) + entry * MAX_TAGS + bytes(4)
        started = time.monotonic()
        exif = read_exif(block)
        assert time.monotonic() - started < 5
        assert set(exif.tags["main"].values()) == {"x" * 512}


def test_a_text_longer_than_what_is_read_of_it_keeps_its_characters() -> None:
    text = "\u00b5" * 100_000
    content = b"!" + text.encode()
    entry = struct.pack("<HHII", 0x010E, 2, len(content), 26)
    exif = read_exif(b"II*\0\x08\0\0\0\x01\0" + entry + bytes(4) + content)
    assert exif.tags["main"]["ImageDescription"] == "!" + text[:511]
    assert "200001 bytes" in exif.notes[0]


def test_millions_of_datasets_and_tables_are_read_in_part() -> None:
    notes: list[str] = []
    started = time.monotonic()
    assert len(read_iptc(b"\x1c\x02\x19\0\0" * 5_000_000, notes)["Keywords"]) == 200
    data = jpeg()
    at = data.index(b"\xff\xdb")
    segment = b"\xff\xdb" + struct.pack(">H", 2 + 65 * 1000) + (b"\0" + b"\1" * 64) * 1000
    photo = read_photo("-", data=data[:at] + segment * 300 + data[at:])
    assert time.monotonic() - started < 20
    assert len(notes) == 1
    assert any("segments of quantisation tables" in note for note in photo.metadata["notes"])


def gif(frames: int) -> bytes:
    frame = b",\0\0\0\0\1\0\1\0\0\x02\x02\x44\x01\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def test_a_file_of_very_many_frames_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("c2pa")
    monkeypatch.setattr(provenance, "SECONDS", 0.5)
    data = gif(300_000)
    started = time.monotonic()
    facts = read_provenance(data, "GIF", seconds=0.5)
    assert time.monotonic() - started < 5
    assert facts["status"] == "not examined"
    assert facts["reason"] == "the C2PA library did not finish within 1 s"
    assert read_photo("-", data=data, options=ReadOptions(provenance=True)).pixels.shape == (1, 1, 3)
    assert read_provenance(gif(10), "GIF")["status"] == "absent"


@pytest.mark.parametrize(
    ("library", "word"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", f"was ended by signal {int(signal.SIGSEGV)}"),
        ("import os\nos._exit(7)", "ended with code 7"),
        ("import time\ntime.sleep(600)", "did not end within 2 s"),
        ("raise LookupError('of the library')", "failed (LookupError)"),
    ],
    ids=["crash", "exit", "hang", "fault"],
)
def test_a_library_that_crashes_or_hangs_costs_its_answer_only(
    library: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c2pa.py").write_text(library)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(reading_process, "longest_s", lambda *_: 2.0)
    data = jpeg()
    expected = read_photo("-", data=data)
    with IsolatedReader() as reader:
        for _ in range(2):  # the second by another process
            photo = reader.read("-", data=data, options=ReadOptions(provenance=True))
            assert np.array_equal(photo.pixels, expected.pixels)
            assert photo.provenance["status"] == "not examined"
            assert word in photo.provenance["reason"]
            assert word in photo.metadata["notes"][-1]
            assert photo.metadata | {"notes": []} == expected.metadata | {"notes": []}
        assert reader.read("-", data=data).provenance == {}


@pytest.mark.parametrize("value", [3, "x", [], [1], {"a": [1]}, {"a": {"assertions": 4}}, None])
def test_a_report_of_any_shape_is_no_fault(value: Any) -> None:
    report = {"manifests": value, "active_manifest": "a"}
    shapes = [{"label": "c2pa.actions.v9", "data": value}, {"label": "c2pa.actions", "data": {"actions": value}}, value]
    manifest = {"assertions": shapes, "ingredients": value, "signature_info": value, "title": value}
    for one in (report, {"active_manifest": value}, {"active_manifest": "a", "manifests": {"a": manifest}}):
        json.dumps(provenance._claims(one), allow_nan=False)
    json.dumps(provenance._codes({"activeManifest": value, "ingredientDeltas": value}), allow_nan=False)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
)


@settings(max_examples=60, deadline=None)
@given(values)
def test_plain_values_can_be_written_and_small_ones_stay(value: Any) -> None:
    kept = plain(value)
    json.dumps(kept, allow_nan=False, ensure_ascii=False).encode("utf-8")
    assert plain(kept) == kept
    if value is None or isinstance(value, bool):
        assert kept is value
