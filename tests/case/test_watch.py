"""Watching a folder: a file is taken when it is complete, once, and again after it was written to."""

from pathlib import Path

import pytest

from mesorch_cli.case import watch as watching
from mesorch_cli.case.scan import Selection
from mesorch_cli.case.watch import Watch
from tests.case.folders import fill, photo


def test_a_file_is_taken_when_nothing_writes_to_it_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(watching.time, "monotonic", lambda: now)
    watch = Watch(tmp_path / "in", Selection(), settle_s=2.0)
    assert watch.ready() == []
    assert "is not a folder" in str(watch.problem)
    fill(tmp_path / "in", {"slow.png": photo(1)[:100], "notes.txt": b""})
    now = 1.0
    assert watch.ready() == []
    now = 2.9
    assert watch.ready() == []
    now = 3.0
    assert watch.ready() == ["slow.png"]
    assert watch.problem is None
    assert watch.ready() == []
    fill(tmp_path / "in", {"slow.png": photo(1)})
    now = 4.0
    assert watch.ready() == []
    now = 5.9
    assert watch.ready() == []
    now = 6.0
    assert watch.ready() == ["slow.png"]
    now = 60.0
    assert watch.ready() == []
    (tmp_path / "in" / "slow.png").unlink()
    assert watch.ready() == []
    assert watch.scan.paths == ()
