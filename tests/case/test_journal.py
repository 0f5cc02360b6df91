"""The journal: what goes in comes out, whatever the names, and its digest sees every change."""

import json
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesorch_cli.case.journal import Journal
from mesorch_cli.case.row import ANALYSED, FAILED, Row
from mesorch_cli.errors import OutputError, UsageError

NAMES = st.binary(min_size=1, max_size=12).map(lambda name: os.fsdecode(name.replace(b"\0", b"/")))


def row(path: str, sha256: str | None = "a" * 64, **changes: object) -> Row:
    record = json.dumps({"input": {"sha256_after": sha256}})
    plain = Row(path, f"photos/{path}", sha256, "s", ANALYSED, None, "inconclusive", 0.5, None, record)
    return replace(plain, **changes)  # type: ignore[arg-type]


@given(st.lists(NAMES, unique=True, max_size=8))
@settings(max_examples=30, deadline=None)
def test_rows_come_back_as_they_were_in_the_order_of_their_bytes(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    with Journal(folder) as journal:
        for number, name in enumerate(names):
            journal.add(row(name, copy_of=names[0] if number else None, score=None if number % 2 else number / 7))
        before = list(journal.rows("s"))
    with Journal(folder, read_only=True) as journal:
        assert list(journal.rows("s")) == before
        assert [one.path for one in before] == sorted(names, key=os.fsencode)
        assert list(journal.paths("s")) == [one.path for one in before]
        assert all(journal.get(one.path) == one for one in before)


def test_counts_duplicates_and_content(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.add(row("b"))
        journal.add(row("a", copy_of="b"))
        journal.add(row("c", "c" * 64, verdict="evidence of manipulation", score=0.9))
        journal.add(row("d", None, status=FAILED, reason="unreadable", score=None))
        journal.add(row("old", settings="other"))
        assert journal.counts("s") == {"analysed": 3, "not_analysed": 0, "failed": 1, "findings": 1, "duplicates": 1}
        first = journal.with_content("a" * 64, "s")
        assert first is not None
        assert first.path == "b"
        assert journal.with_content("a" * 64, "none") is None
        assert journal.lost_duplicates("s") == []
        assert [one.path for one in journal.highest("s", 2)] == ["c", "a"]
        journal.forget("b")
        assert journal.lost_duplicates("s") == ["a"]


def test_the_digest_sees_a_change_and_nothing_else(tmp_path: Path) -> None:
    with Journal(tmp_path / "one") as one, Journal(tmp_path / "two") as two:
        for name in ("a", "b", "c"):
            one.add(row(name))
        for name in ("c", "a", "b", "a"):
            two.add(row(name))
        assert one.digest() == two.digest()
        two.add(row("a", score=0.5000001))
        assert one.digest() != two.digest()


def test_what_is_no_journal_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a case"):
        Journal(tmp_path, read_only=True)
    (tmp_path / "journal.sqlite").write_bytes(b"this is no database, whatever its name says" * 30)
    with pytest.raises(OutputError, match="Cannot open the journal"):
        Journal(tmp_path)
    other = tmp_path / "other"
    with Journal(other) as journal:
        journal.set_fact("schema", "mesorch.journal/9")
    with pytest.raises(UsageError, match="mesorch.journal/9"):
        Journal(other)


def test_a_journal_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.add(row("a"))
    before = sorted(path.name for path in tmp_path.iterdir())
    with Journal(tmp_path, read_only=True) as journal:
        assert len(list(journal.rows("s"))) == 1
        with pytest.raises(OutputError, match="Cannot write the journal"):
            journal.add(row("b"))
    assert sorted(path.name for path in tmp_path.iterdir()) == before == ["journal.sqlite"]
    with sqlite3.connect(tmp_path / "journal.sqlite") as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()


def test_what_a_killed_run_leaves_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    with Journal(tmp_path / "case") as journal:
        journal.set_fact("settings", "s")
        for name in ("a", "b"):
            journal.add(row(name))
        for file in (tmp_path / "case").iterdir():  # as kill -9 leaves them: the last rows are in the log alone
            (tmp_path / "left" / file.name).write_bytes(file.read_bytes())
    assert (tmp_path / "left" / "journal.sqlite-wal").stat().st_size > 0
    with Journal(tmp_path / "left", read_only=True) as journal:
        assert [one.path for one in journal.rows()] == ["a", "b"]
    with Journal(tmp_path / "left") as journal:
        assert [one.path for one in journal.rows()] == ["a", "b"]
        assert journal.problems() == []
