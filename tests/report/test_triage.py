"""The order of a report: everything is in it, once, the most suspicious first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesorch_cli.errors import OutputError, UsageError
from mesorch_cli.files.names import stays_inside
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.triage import Triage
from tests.report.made import HOSTILE, entries, entry, record


def order(case: Path, made: list[Entry]) -> list[str]:
    with Triage(case, iter(made)) as triage:
        assert len(triage) == len(made)
        return [found.path for found in triage]


@given(st.lists(st.floats(0, 1) | st.sampled_from(["too small", "damaged"]), max_size=30))
def test_the_order_is_that_of_sorting_in_memory(
    tmp_path_factory: pytest.TempPathFactory, outcomes: list[float | str]
) -> None:
    made = [
        entry(f"{number}.jpg", record("x", None, outcome) if isinstance(outcome, str) else record("x", outcome))
        for number, outcome in enumerate(outcomes)
    ]
    result = {one.path: one.record["result"] for one in made}

    def place(path: str) -> tuple[bool, float, float, str, str]:
        score, reason = result[path]["score"], result[path]["reason"]
        return (score is None, -round(score or 0, 3), -(score or 0), reason or "", path)

    expected = sorted(result, key=place)
    assert order(tmp_path_factory.getbasetemp(), made) == expected


def test_notes_decide_between_scores_that_look_the_same(tmp_path: Path) -> None:
    notes = ["note: the software named is an editor ('x')", "note: the XMP history has 2 step(s)"]
    made = [
        entry(f"{name}.jpg", record(name, score, metadata={"notes": notes[:count]}))
        for name, score, count in (("a", 0.5004, 0), ("b", 0.4996, 2), ("c", 0.4999, 1), ("d", 0.6, 0), ("e", 0.4, 2))
    ]
    assert order(tmp_path, made) == ["d.jpg", "b.jpg", "c.jpg", "a.jpg", "e.jpg"]


def test_files_that_look_alike_know_each_other(tmp_path: Path) -> None:
    prints = {"a": "0" * 16, "b": "f" + "0" * 15, "c": "0" * 15 + "3", "d": None}
    made = []
    for name, digits in prints.items():
        values = record(name, 0.5)
        values["decode"]["fingerprint"] = digits
        made.append(entry(name, values))
    with Triage(tmp_path, made) as triage:
        found = {one.path: one for one in triage}
        assert {path: one.alike and one.alike.size for path, one in found.items()} == {
            "a": 3,
            "b": 3,
            "c": 3,
            "d": None,
        }
        assert triage.like(found["b"], 10) == (("a", "photos/a"), ("c", "photos/c"))
        assert triage.like(found["b"], 1) == (("a", "photos/a"),)
        assert triage.like(found["d"]) == ()


def test_names_and_records_come_back_whole(tmp_path: Path) -> None:
    made = [entry(path, record(path, 0.5)) for path in HOSTILE]
    with Triage(tmp_path, made) as triage:
        assert sorted(triage, key=lambda one: one.path) == sorted(made, key=lambda one: one.path)
    assert not list(tmp_path.iterdir())


def test_a_copy_knows_where_the_first_lies(tmp_path: Path) -> None:
    first = Entry("a.jpg", "photos-by-hash/12", record("a.jpg", 0.5))
    made = [entry("b.jpg", record("b.jpg", 0.5), "a.jpg"), first, entry("c.jpg", record("c.jpg", 0.5), "gone.jpg")]
    with Triage(tmp_path, made) as triage:
        assert {one.path: one.copy_place for one in triage} == {"a.jpg": None, "b.jpg": first.place, "c.jpg": None}
        assert triage.duplicates == 2


def test_counts(tmp_path: Path) -> None:
    with Triage(tmp_path, entries(200)) as triage:
        assert triage.by_status == {"analysed": 180, "not analysed": 10, "failed": 10}
        assert triage.by_reason == {("not analysed", "too small"): 10, ("failed", "unreadable"): 10}
        assert sum(triage.bins) == 180
        assert [one.status for one in triage.others()] == ["not analysed"] * 10 + ["failed"] * 10
        assert triage.first == triage.last == "2026-01-02T03:04:05.000+00:00"


def test_nothing_is_left_behind_when_it_goes_wrong(tmp_path: Path) -> None:
    def broken() -> Iterator[Entry]:
        yield from entries(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Triage(tmp_path, broken())
    assert not list(tmp_path.iterdir())
    with pytest.raises(OutputError, match="Make room"):
        Triage(tmp_path / "missing", entries(1))


@pytest.mark.parametrize("path", ["../x.jpg", "/etc/x.jpg", "a/../../x.jpg", "", "a//b.jpg", "./a.jpg", "a\0b"])
def test_a_path_out_of_the_case_is_refused(path: str) -> None:
    assert not stays_inside(path)
    with pytest.raises(UsageError, match="verify"):
        Entry(path, "photos/x", record("x", 0.5))
    with pytest.raises(UsageError, match="verify"):
        Entry("x", path, record("x", 0.5))


def test_what_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".report-x.part").mkdir()
    (tmp_path / ".report-x.part" / "entries.sqlite").write_bytes(b"half of something")
    assert len(order(tmp_path, list(entries(5)))) == 5
    assert list(tmp_path.iterdir()) == []
    assert not list(tmp_path.iterdir())
