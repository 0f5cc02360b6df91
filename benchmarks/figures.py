"""Check the figures that README, docs, card and results page state: where they come from, and whether they still hold.

usage: figures.py [--no-runs]

A section that states figures links to the section that has them, or says what made them, in one of two lines:

    Made by `COMMAND` (NAME VERSION, `SHA`).         with the shipped weights, or `(no weights)`
    Made once by `COMMAND` at COMMIT (NAME VERSION). history: what led to a decision; not in README and card

Checked of every such line: the command, its options and scripts are there; the weights are the shipped ones, by version and
SHA-256. Figures of README and card must stand in the weights' sealed passport or on the results page, under these weights. A
command whose files are all in the repository is run again when its output stands below it, and the two are compared.
Exit code 1 names every line that fails.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer.main

from mesorch_cli.cli.app import app
from mesorch_cli.network.weights import read_file

ROOT = Path(__file__).parents[1]
RESULTS = "benchmarks/RESULTS.md"
PAGES = ("README.md", "weights/*.md", "docs/*.md", RESULTS)
GENERATED = {"cli.md"}
PRESENT_ONLY = ("README.md", "weights/")  # pages that tell no history
WEIGHTS = ROOT / "weights" / "mesorch-s.safetensors"
TOLERANCE = 0.006  # of a repeated figure: another processor rounds differently in the last digits
COLUMNS = "100"  # width of tables

MEASURED = re.compile(r"(?<![\w.,-])0?\.(?!00)\d{3}\b|(?<![\w.])\d+\.\d+ ?%|\b\d+(?:\.\d+)? times as fast")
NUMBER = re.compile(r"(?<![\w.])[+-]?\d*\.?\d+(?![\w.]*\w)")
BY = r"Made by `(?P<command>[^`]+)` \((?:(?P<none>no weights)|(?P<name>\S+) (?P<version>[\w.]+), `(?P<sha>[0-9a-f]{8})`)\)\."
ONCE = r"Made once by `(?P<old>[^`]+)` at (?P<commit>[0-9a-f]{7}) \((?P<of>[^)]+)\)\."
SOURCE = re.compile(f"{BY}|{ONCE}")
LINK = re.compile(r"\]\(([\w./-]+\.md)#([\w-]+)\)")
BEGUN = re.compile(r"^Made (?:once )?by `.{0,40}", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Shipped:
    """The weights that ship: what a page must call them, and every figure of their passport and results, as text."""

    name: str
    version: str
    sha256: str
    figures: frozenset[str]


@dataclass(frozen=True)
class Section:
    """A heading of a page and what stands under it. first: its line, from 1 on."""

    page: str
    first: int
    text: str

    @property
    def prose(self) -> str:
        """The text without blocks of code and source lines."""
        return SOURCE.sub("", CODE.sub("", self.text))

    @property
    def sources(self) -> list[re.Match[str]]:
        return list(SOURCE.finditer(self.text))

    def says(self, what: str) -> str:
        return f"{self.page}:{self.first}: {what}"


def shipped() -> Shipped:
    """Read the weights that ship, and what the results page says of them."""
    passport, _, sha256 = read_file(WEIGHTS)
    stated = json.dumps(passport.figures)
    for section in sections(RESULTS, (ROOT / RESULTS).read_text(encoding="utf-8")):
        if any(match["sha"] and sha256.startswith(match["sha"]) for match in section.sources):
            stated += re.sub(r"\[[^]]*\]", "", section.prose)  # without intervals
    numbers = re.findall(r"\d+\.\d+", stated)
    return Shipped(passport.name, passport.version, sha256, frozenset(f"{float(one):.3f}" for one in numbers))


def sections(page: str, text: str) -> Iterator[Section]:
    """Yield the sections of a page; a `#` within a block of code is no heading."""
    lines, start, fenced = text.splitlines(), 0, False
    for place, line in enumerate(lines):
        fenced ^= line.startswith("```")
        if not fenced and line.startswith("#") and place:
            yield Section(page, start + 1, "\n".join(lines[start:place]))
            start = place
    yield Section(page, start + 1, "\n".join(lines[start:]))


def faults(section: Section, weights: Shipped) -> list[str]:
    """Return a sentence for everything that is wrong with the sources of a section; nothing is run."""
    found = [section.says(what) for match in section.sources for what in source_faults(match, section.page, weights)]
    found += [
        section.says(f"{start[0]}... is no source line of the two kinds") for start in BEGUN.finditer(section.prose)
    ]
    stated = [match[0] for match in MEASURED.finditer(section.prose)]
    homes = list(linked(section))
    homeless = [one for one in stated if not any(same_figure(one, home) for home in homes)]
    if homeless and not section.sources:
        found.append(
            section.says(f"{homeless[0]} has no source; expected 'Made by `COMMAND` (...).', or a link to its section")
        )
    if section.page.startswith(PRESENT_ONLY):
        numbers = [one for one in stated if "times" not in one and not in_the_passport(one, weights)]
        found += [
            section.says(f"{one} stands neither in the passport nor among the results of these weights")
            for one in numbers
        ]
    return found


def in_the_passport(figure: str, weights: Shipped) -> bool:
    """Return whether a figure of the text, which may be a percentage, is one of the passport's."""
    share = figure.removesuffix("%").strip()
    return f"{float(share) / (100 if share != figure else 1):.3f}" in weights.figures


def linked(section: Section) -> Iterator[Section]:
    """Yield the sections of other pages that a section links to."""
    for name, anchor in LINK.findall(section.prose):
        path = (ROOT / section.page).parent / name
        if path.is_file():
            for other in sections(name, path.read_text(encoding="utf-8")):
                heading = re.sub(r"[^\w\- ]", "", other.text.splitlines()[0].lstrip("# ").lower()).replace(" ", "-")
                if heading == anchor:
                    yield other


def same_figure(stated: str, home: Section) -> bool:
    """Say whether a section states a figure that another one repeats."""
    if "times" in stated:  # a ratio of times, which the other section states
        return True
    wanted = re.match(r"[\d.]+", stated)
    return wanted is not None and float(wanted[0]) in {float(one) for one in re.findall(r"\d*\.\d+", home.prose)}


def source_faults(match: re.Match[str], page: str, weights: Shipped) -> Iterator[str]:
    """Yield what is wrong with one source line."""
    if match["old"]:
        if page.startswith(PRESENT_ONLY):
            yield f"{match['old']} is history; this page states what holds now"
        return
    yield from command_faults(match["command"])
    if match["none"]:
        return
    if match["name"] != weights.name or match["version"] != weights.version:
        yield f"speaks of {match['name']} {match['version']}; the weights are {weights.name} {weights.version}. Measure again"
    elif not weights.sha256.startswith(match["sha"]):
        yield f"speaks of the weights {match['sha']}; the shipped ones are {weights.sha256[:8]}. Measure again"


def command_faults(command: str) -> Iterator[str]:
    """Yield what of a command is not there: program, subcommand, options, script."""
    words = shlex.split(command)
    if words[0] == "python" and len(words) > 1:
        if not (ROOT / words[1]).is_file():
            yield f"the script {words[1]} does not exist"
        return
    commands = getattr(typer.main.get_command(app), "commands", {})
    if words[0] != "mesorch" or len(words) < 2 or words[1] not in commands:
        yield f"{command!r} is no command; expected `mesorch COMMAND ...` or `python SCRIPT ...`"
        return
    known = {option for parameter in commands[words[1]].params for option in parameter.opts}
    for word in words[2:]:
        if word.startswith("-") and word.split("=")[0] not in known:
            yield f"mesorch {words[1]} has no option {word}"


def repeatable(section: Section) -> Iterator[tuple[str, str]]:
    """Yield (command, output) of sources that run on files of the repository and whose output stands below them."""
    for match in section.sources:
        below = re.match(r"\s*```\w*\n(.*?)^```$", section.text[match.end() :], re.MULTILINE | re.DOTALL)
        files = [word for word in shlex.split(match["command"] or "")[2:] if "/" in word]
        if below and files and all((ROOT / name).exists() for name in files):
            yield match["command"], below[1]


def repeated(command: str) -> str:
    """Run a `mesorch` command in the repository and return what it says. Raises CalledProcessError where it fails."""
    words = [sys.executable, "-m", "mesorch_cli", *shlex.split(command)[1:]]
    environment = os.environ | {"COLUMNS": COLUMNS, "NO_COLOR": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def differs(stated: str, now: str) -> str | None:
    """Return the first difference between two outputs, frames and rounding aside; None where they say the same."""
    pairs = [[word for word in re.split(r"[\s┃│┏┓┡┩└┘━─┳╇┬┴╭╮╰╯\[\],]+", text) if word] for text in (stated, now)]
    for old, new in zip(*pairs, strict=False):
        if NUMBER.fullmatch(old) and NUMBER.fullmatch(new):
            if abs(float(old) - float(new)) > TOLERANCE:
                return f"states {old}, is {new}"
        elif old != new:
            return f"states {old!r}, is {new!r}"
    if len(pairs[0]) != len(pairs[1]):
        return f"states {len(pairs[0])} words, there are {len(pairs[1])}"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-runs", action="store_true", help="check sources only, run no command")
    args = parser.parse_args()
    weights = shipped()
    wrong: list[str] = []
    sources = runs = 0
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            if path.name in GENERATED:
                continue
            for section in sections(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")):
                sources += len(section.sources)
                wrong += faults(section, weights)
                for command, stated in () if args.no_runs else repeatable(section):
                    runs += 1
                    difference = differs(stated, repeated(command))
                    if difference is not None:
                        wrong.append(section.says(f"{command}: {difference}"))
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    print(f"{sources} sources of figures, {runs} run again, {len(wrong)} faults")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
