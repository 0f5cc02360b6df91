"""Arrows between the rooms point down only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mesorch_cli"
ALLOWED = {
    "cli": {
        *("case", "examination", "evaluation", "training", "export", "report", "forge", "inference", "network"),
        *("evidence", "files", "views", "explanation"),
    },
    "case": {"examination", "report", "inference", "network", "evidence", "files"},
    "examination": {"report", "explanation", "inference", "network", "evidence", "files"},
    "report": {"explanation", "inference", "network", "evidence", "files"},
    "explanation": {"inference", "network", "evidence", "files"},
    "views": {"report", "inference", "network", "evidence", "files"},
    "evaluation": {"report", "inference", "network", "evidence", "files"},
    "export": {"inference", "network", "evidence", "files"},
    "training": {"forge", "network", "evaluation", "inference", "evidence", "files"},
    "inference": {"network", "evidence", "files"},
    "forge": {"evidence", "files"},
    "network": {"files"},
    "evidence": {"files"},
    "files": set(),
}
# The rooms inside `evidence`: what all of them share lies beside them, and imports none of them.
WITHIN_EVIDENCE = {
    "isolation": {"decoding", "metadata"},
    "decoding": {"metadata", "formats", "containers"},
    "metadata": {"formats", "jpeg", "containers", "tags"},
    "formats": {"tiff", "jpeg", "containers"},
    "tiff": {"jpeg", "containers"},
    "jpeg": {"tags"},
    "containers": set(),
    "tags": set(),
}
EVERYWHERE = {"errors", "__init__"}


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms of this package that a file imports, at any depth of its code."""
    rooms = {name.split(".")[1] for name in imported_names(path) if "." in name}
    return rooms & {path.name for path in PACKAGE.iterdir() if path.is_dir()}


def imported_names(path: Path) -> list[str]:
    """Return the modules of this package that a file imports, and the names taken from a package's own folder."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 or path.parent != PACKAGE, f"{path}: a relative import hides its room"
            names = [node.module or ""]
            if (PACKAGE.parent / names[0].replace(".", "/")).is_dir():
                names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found += [name for name in names if name.split(".")[0] == "mesorch_cli"]
    return found


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    for path in sorted((PACKAGE / room).rglob("*.py")):
        above = imported_rooms(path) - ALLOWED[room] - {room}
        assert not above, f"{path.relative_to(PACKAGE)} imports {sorted(above)}"


def test_every_room_stands_in_the_table() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert rooms <= set(ALLOWED)


@pytest.mark.parametrize("room", [*sorted(WITHIN_EVIDENCE), ""])
def test_a_room_of_evidence_imports_only_what_lies_below_it(room: str) -> None:
    folder = PACKAGE / "evidence" / room
    for path in sorted(folder.glob("*.py")):
        if path == PACKAGE / "evidence" / "__init__.py":
            continue  # the face of the whole room
        parts = [name.split(".") for name in imported_names(path)]
        names = {part[2] for part in parts if part[1] == "evidence" and len(part) > 2}
        above = names & set(WITHIN_EVIDENCE) - WITHIN_EVIDENCE.get(room, set()) - {room}
        assert not above, f"{path.relative_to(PACKAGE)} imports {sorted(above)}"


def test_every_room_of_evidence_stands_in_the_table() -> None:
    rooms = {path.name for path in (PACKAGE / "evidence").iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert rooms == set(WITHIN_EVIDENCE)


def test_only_the_console_knows_rich() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        imports_rich = any(
            (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rich")
            or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "rich" for alias in node.names))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
        assert not imports_rich or path.relative_to(PACKAGE).as_posix() == "cli/console.py", path
