"""Notes in a few words: every wording of the notes that has a kind is recognised, and nothing of a stranger gets out."""

from hypothesis import given
from hypothesis import strategies as st

from mesorch_cli.evidence.metadata.consistency import consistency_notes
from mesorch_cli.report.notes import KINDS, kinds_of

METADATA = {
    "software": "Adobe Photoshop 25.1 (Windows)",
    "exif": {
        "main": {"Software": "Adobe Photoshop 25.1", "Make": "x"},
        "photo": {"ExifImageWidth": 10, "ExifImageHeight": 20},
    },
    "xmp": {
        "properties": {
            "xmp:CreatorTool": "another",
            "stEvt:action": ["saved"],
            "stEvt:softwareAgent": ["Adobe Photoshop 25.1 (Windows)"],
        }
    },
    "dates": {"DateTimeOriginal": "2024:01:02 03:04:05", "DateTime": "2024:02:02 03:04:05"},
    "thumbnail": {"correlation": 0.1},
}


def kinds(notes: list[str]) -> tuple[str, ...]:
    return kinds_of({"metadata": {"notes": notes}})


def test_every_kind_is_one_that_is_written() -> None:
    assert kinds(consistency_notes(METADATA, 300, 400)) == tuple(KINDS)
    assert kinds(consistency_notes({}, 300, 400)) == ()


def test_each_of_the_dates_counts_once() -> None:
    dates = {"DateTimeOriginal": "2024:01:02 03:04:05", "DateTime": "2023:01:01 00:00:00", "DateTimeDigitized": "now"}
    notes = consistency_notes({"dates": dates}, 1, 1)
    assert len(notes) == 2
    assert kinds(notes) == ("dates differ",)


@given(st.lists(st.text() | st.sampled_from(["note: the software named is an editor <b>", "note: EXIF says"])))
def test_only_our_own_words_come_out(notes: list[str]) -> None:
    assert set(kinds(notes)) <= set(KINDS)
    assert kinds_of({"metadata": {}}) == ()
