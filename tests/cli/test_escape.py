"""Nothing of a stranger reaches the terminal as it is: every way to show something, with every kind of hostile text."""

import ast
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.text import Text

from mesorch_cli.cli import console
from mesorch_cli.cli.console import SafeConsole
from mesorch_cli.explanation.facts import Explanation
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.report.explained import RegionLine, ShownExplanation

PACKAGE = Path(console.__file__).parents[1]
HOSTILE = "a\x1b[2J\x1b]0;title\x07b\r\u202egpj.exe\u2066\x9b31m[bold]x[/bold]\udcff\x00\n\tend"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmless(text: str) -> bool:
    """Say whether text has nothing that a terminal obeys but line ends and the colours of Rich itself."""
    return OBEYED.search(re.sub(r"\x1b\[[\d;]*m", "", text)) is None


FACTS = Explanation.model_construct(verdict=Verdict.EVIDENCE, score=0.9, gate=False, gate_words=HOSTILE)
LINE = RegionLine(*[HOSTILE] * 4, (HOSTILE,), HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE, HOSTILE)

SHOWS: dict[str, Callable[[], object]] = {
    "say": lambda: console.say(HOSTILE),
    "say_error": lambda: console.say_error(HOSTILE),
    "write_data": lambda: console.write_data(HOSTILE, Path(HOSTILE.replace("\x00", "")), 1),
    "write_json": lambda: console.write_json({"text": HOSTILE, HOSTILE: 1}),
    "write_json_line": lambda: console.write_json_line(json.dumps(HOSTILE, ensure_ascii=False).replace("\\x00", "")),
    "show_table": lambda: console.show_table(HOSTILE, [HOSTILE], [[HOSTILE]]),
    "show_explanation": lambda: console.show_explanation(
        HOSTILE, ShownExplanation(FACTS, None, lines=(LINE,), branches=(HOSTILE,))
    ),
    "show_case": lambda: console.show_case(HOSTILE, [(HOSTILE, HOSTILE)], [(HOSTILE, HOSTILE, HOSTILE)]),
}


@pytest.mark.parametrize("name", SHOWS)
@pytest.mark.parametrize("terminal", [False, True], ids=["piped", "on a terminal"])
def test_hostile_text_is_shown_and_not_obeyed(
    name: str, terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm-256color")
    SHOWS[name]()
    found = capsys.readouterr()
    assert "end" in found.out + found.err
    assert harmless(found.out)
    assert harmless(found.err)


def test_the_console_itself_lets_nothing_through_that_a_caller_forgot(capsys: pytest.CaptureFixture[str]) -> None:
    SafeConsole(force_terminal=True, highlight=False).print(Text(HOSTILE, style="bold red"))
    out = capsys.readouterr().out
    assert harmless(out)
    assert "\\x1b[2J" in out


def test_no_one_else_writes_to_the_terminal() -> None:
    """All that is shown goes through the console, and the console makes its only kind of console."""
    allowed = {"cli/console.py", "cli/streams.py", "evidence/isolation/worker.py"}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            assert called not in ("print", "typer.echo", "typer.secho"), f"{name}:{node.lineno}"
            if called in ("sys.stdout.write", "sys.stderr.write"):
                assert name in allowed, f"{name}:{node.lineno}"
            assert called != "Console", f"{name}:{node.lineno}"


def test_every_public_way_to_show_something_is_tried_here() -> None:
    shows = {
        name
        for name, function in inspect.getmembers(console, inspect.isfunction)
        if function.__module__ == console.__name__ and re.match("say|write|show", name)
    }
    assert shows - {"shown", "show_examination"} == set(SHOWS)
