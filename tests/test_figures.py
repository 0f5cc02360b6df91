"""The check of stated figures: it passes on the pages as they are, and fails where a figure, a source or weights changed."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stated_figures", ROOT / "benchmarks" / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["stated_figures"] = module
    spec.loader.exec_module(module)
    return module


figures = load()
WEIGHTS = figures.shipped()
SOURCE = f"Made by `mesorch evaluate SET --against all` ({WEIGHTS.name} {WEIGHTS.version}, `{WEIGHTS.sha256[:8]}`)."
KNOWN = max(WEIGHTS.figures)


def faults(text: str, page: str = "docs/page.md") -> list[str]:
    return [fault for section in figures.sections(page, text) for fault in figures.faults(section, WEIGHTS)]


def test_the_pages_state_where_their_figures_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    sys.argv = ["figures.py", "--no-runs"]
    with pytest.raises(SystemExit) as ended:
        figures.main()
    said = capsys.readouterr()
    assert ended.value.code == 0, said.err
    assert int(said.out.split()[0]) >= 20


def test_a_page_of_every_kind_is_looked_at() -> None:
    seen = {path.relative_to(ROOT).as_posix() for pattern in figures.PAGES for path in ROOT.glob(pattern)}
    assert {"README.md", "weights/mesorch-s.md", "docs/evaluation.md", "benchmarks/RESULTS.md"} <= seen


def test_a_changed_figure_of_the_card_fails() -> None:
    card = (ROOT / "weights" / "mesorch-s.md").read_text(encoding="utf-8")
    assert faults(card, "weights/mesorch-s.md") == []
    changed = card.replace("**0.554**", "**0.557**")
    assert changed != card
    assert any("0.557 stands neither in the passport" in fault for fault in faults(changed, "weights/mesorch-s.md"))


def test_a_changed_figure_of_the_readme_fails() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert faults(readme, "README.md") == []
    changed = readme.replace("**.856 / .554**", "**.856 / .557**")
    assert changed != readme
    assert any(".557 stands neither in the passport" in fault for fault in faults(changed, "README.md"))


def test_a_percentage_is_looked_for_as_a_share() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "**.856 / .554**" in readme
    for percentage, known in (("55.4 %", True), ("55.7 %", False)):
        changed = readme.replace("**.856 / .554**", f"**.856 / {percentage}**")
        found = [fault for fault in faults(changed, "README.md") if "stands neither in the passport" in fault]
        assert (found == []) is known


def test_a_figure_without_a_source_fails() -> None:
    assert faults(f"# A\n\n{SOURCE}\n\nAUC .955\n") == []
    assert any(
        "docs/page.md:5: .955 has no source" in fault for fault in faults(f"# A\n\n{SOURCE}\n\n# B\n\nAUC .955\n")
    )
    assert faults("# A\n\n```\nAUC .955\n```\n\nA section of words, 16.5 seconds of them, in version 0.5.2.\n") == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (f" {WEIGHTS.version},", " 0.0.1,", "Measure again"),
        (WEIGHTS.sha256[:8], "01234567", "Measure again"),
        (f"({WEIGHTS.name} ", "(other ", "Measure again"),
        ("mesorch evaluate", "mesorch appraise", "is no command"),
        ("--against", "--beside", "has no option --beside"),
        ("mesorch evaluate SET --against all", "python benchmarks/gone.py", "does not exist"),
    ],
)
def test_a_source_that_does_not_hold_fails(old: str, new: str, complaint: str) -> None:
    assert faults(f"# A\n\n{SOURCE}\n\nAUC .955\n") == []
    found = faults(f"# A\n\n{SOURCE.replace(old, new)}\n\nAUC .955\n")
    assert len(found) == 1
    assert complaint in found[0]


def test_a_source_line_of_another_shape_fails() -> None:
    assert any("is no source line" in fault for fault in faults("# A\n\nMade by `mesorch bench` one day.\n"))


def test_a_figure_may_stand_elsewhere_if_it_is_there() -> None:
    link = "[results](../benchmarks/RESULTS.md#large-photos-at-native-size-or-shrunk)"
    assert faults(f"# A\n\nF1 .435 instead of .496 ({link}).\n") == []
    assert any(".437 has no source" in fault for fault in faults(f"# A\n\nF1 .437 instead of .496 ({link}).\n"))
    assert faults("# A\n\nF1 .435 ([results](../benchmarks/RESULTS.md#no-such-section)).\n") != []


def test_history_is_for_other_pages_than_readme_and_card() -> None:
    text = f"# A\n\nMade once by `python gone.py` at 0123abc (mesorch-s 0.0.1).\n\nAUC {KNOWN}\n"
    assert faults(text) == []
    assert any("is history" in fault for fault in faults(text, "README.md"))


def test_what_can_be_repeated_is_the_output_of_a_command_on_files_of_the_repository() -> None:
    page = ROOT / "docs" / "evaluation.md"
    found = [
        pair
        for section in figures.sections("docs/evaluation.md", page.read_text(encoding="utf-8"))
        for pair in figures.repeatable(section)
    ]
    assert [command for command, _ in found] == ["mesorch evaluate examples/examples.csv --against centre-prior,ela"]
    elsewhere = next(
        figures.sections("docs/page.md", f"# A\n\n{SOURCE.replace('SET', '/data/set')}\n\n```\nAUC .955\n```\n")
    )
    assert list(figures.repeatable(elsewhere)) == []


def test_an_output_that_changed_fails() -> None:
    page = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    stated = next(pair[1] for one in figures.sections("docs/evaluation.md", page) for pair in figures.repeatable(one))
    assert figures.differs(stated, stated) is None
    figure = re.search(r"0\.\d{3}", stated)
    assert figure is not None
    for move, fails in ((0.001, False), (0.01, True), (-0.01, True)):
        changed = stated.replace(figure[0], f"{float(figure[0]) + move:.3f}", 1)
        assert (figures.differs(changed, stated) is not None) is fails, move
    assert figures.differs(stated.replace("pixel AUC", "pixel AUROC", 1), stated) == "states 'AUROC', is 'AUC'"
    assert figures.differs(stated, stated + "more") is not None
    assert figures.differs(stated.replace("┃", "|"), stated) is not None
