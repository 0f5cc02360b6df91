"""`mesorch report` from outside."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


@pytest.fixture
def case(real_case: Path, tmp_path: Path) -> Path:
    """A copy of the real case, to be changed."""
    return Path(shutil.copytree(real_case, tmp_path / "case"))


def sums(case: Path) -> dict[str, str]:
    """Return what is not as SHA256SUMS says, by coreutils."""
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=case, capture_output=True, text=True
    )
    return dict(line.rsplit(": ", 1) for line in checked.stdout.splitlines())


def test_building_again_changes_nothing(case: Path) -> None:
    def state() -> dict[str, str]:
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in case.rglob("*")
            if path.is_file() and not path.name.startswith("journal")
        }

    before = state()
    result = run(case, "--pdf")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [str(case / "index.html"), str(case / "report.pdf")]
    assert state() == before
    assert sums(case) == {}


def test_the_sums_are_those_of_the_batch(real_case: Path, case: Path) -> None:
    """A batch that has nothing left to do, and a check of the case, find it as the report left it."""
    evidence = real_case.parent / "evidence"
    before = (case / "SHA256SUMS").read_bytes()
    again = CliRunner().invoke(app, ["batch", str(evidence), "-o", str(case), "--quiet"])
    assert again.exit_code == 3, again.stderr
    assert (case / "SHA256SUMS").read_bytes() == before
    checked = CliRunner().invoke(app, ["verify", str(case)])
    assert checked.exit_code == 0, checked.stderr


def test_new_sums_are_told(case: Path) -> None:
    """Whoever noted the hash of SHA256SUMS must learn of the new one."""
    (case / "report.pdf").unlink()
    without = run(case)
    (line,) = [line for line in without.stdout.splitlines() if "SHA256SUMS" in line]
    again = run(case, "--pdf")
    assert again.stdout.splitlines()[:2] == [str(case / "index.html"), str(case / "report.pdf")]
    told, sha256 = again.stdout.splitlines()[2].split("\t")
    assert told == str(case / "SHA256SUMS")
    assert sha256 == hashlib.sha256((case / "SHA256SUMS").read_bytes()).hexdigest()
    assert sha256 != line.split("\t")[1]
    assert "SHA256SUMS" not in run(case, "--pdf").stdout


def test_lost_pages_come_back(case: Path) -> None:
    pages = [case / "index.html", case / "photos" / "a" / "splice.jpg" / "index.html"]
    before = [page.read_bytes() for page in pages]
    for page in pages:
        page.unlink()
    assert run(case).exit_code == 0
    assert [page.read_bytes() for page in pages] == before
    assert sums(case) == {}


def test_the_sums_do_not_cover_up_what_else_was_changed(case: Path) -> None:
    mask = case / "photos" / "a" / "splice.jpg" / "mask.png"
    mask.unlink()  # a second name of it may exist
    mask.write_bytes(b"another")
    (case / "results.csv").write_text("another")
    (case / "index.html").unlink()
    assert run(case).exit_code == 0
    assert sums(case) == {"photos/a/splice.jpg/mask.png": "FAILED", "results.csv": "FAILED"}


def test_what_is_no_case_is_said(tmp_path: Path, write_photo: Callable[..., Path]) -> None:
    write_photo("photo.png")
    for folder in (tmp_path / "missing", tmp_path / "evidence"):
        result = run(folder)
        assert result.exit_code == 2
        assert result.stderr.startswith("error: ")
        assert "mesorch batch" in result.stderr
    assert not (tmp_path / "missing").exists()
    assert [path.name for path in (tmp_path / "evidence").iterdir()] == ["photo.png"]


def test_a_font_that_is_none_is_said(case: Path) -> None:
    result = run(case, "--pdf", "--pdf-font", case / "case.json")
    assert result.exit_code == 2
    assert "TrueType" in result.stderr


def test_help_loads_nothing_heavy() -> None:
    heavy = {"torch", "jinja2", "reportlab", "cv2"}
    code = f"import sys\nfrom mesorch_cli.cli.app import app\nassert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
