"""Arrows between the rooms point down only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mesorch_cli"
ALLOWED = {
    "cli": {"case", "evaluation", "training", "export", "report", "forge", "inference", "network", "evidence", "files"},
    "case": {"report", "inference", "network", "evidence", "files"},
    "report": {"inference", "network", "evidence", "files"},
    "evaluation": {"report", "inference", "network", "evidence", "files"},
    "export": {"inference", "network", "evidence", "files"},
    "training": {"forge", "network", "evaluation", "inference", "evidence", "files"},
    "inference": {"network", "evidence", "files"},
    "forge": {"evidence", "files"},
    "network": {"files"},
    "evidence": {"files"},
    "files": set(),
}
EVERYWHERE = {"errors", "__init__"}


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms of this package that a file imports, at any depth of its code."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 or path.parent != PACKAGE, f"{path}: a relative import hides its room"
            names = [node.module or ""]
            if node.module == "mesorch_cli":
                names = [f"mesorch_cli.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "mesorch_cli" and len(parts) > 1:
                rooms.add(parts[1])
    return rooms & {path.name for path in PACKAGE.iterdir() if path.is_dir()}


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    for path in sorted((PACKAGE / room).rglob("*.py")):
        above = imported_rooms(path) - ALLOWED[room] - {room}
        assert not above, f"{path.relative_to(PACKAGE)} imports {sorted(above)}"


def test_every_room_stands_in_the_table() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert rooms <= set(ALLOWED)


def test_only_the_console_knows_rich() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        imports_rich = any(
            (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rich")
            or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "rich" for alias in node.names))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
        assert not imports_rich or path.relative_to(PACKAGE).as_posix() == "cli/console.py", path
