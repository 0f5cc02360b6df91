"""The pages of a case: lists beginning with `index.html`, and a page per file. They need no network and no script."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from mesorch_cli.files.writing import write_below
from mesorch_cli.report import overview, wording
from mesorch_cli.report.blocks import kind_of
from mesorch_cli.report.details import NO_DETAILS, CaseDetails
from mesorch_cli.report.entry import ANALYSED, Entry
from mesorch_cli.report.explained import explanation_of
from mesorch_cli.report.listing import COLUMNS, Listing, Part
from mesorch_cli.report.names import href, visible
from mesorch_cli.report.notes import KINDS
from mesorch_cli.report.overlay import colours
from mesorch_cli.report.pages import Row, page_of, row_of
from mesorch_cli.report.sections import PAGE
from mesorch_cli.report.triage import Triage

RAMP_STEPS = 16
STYLE, EXPLANATION_STYLE = "report.css", "explanation.css"
EXPLAINED = "explained"  # the dress of a photo's page with its explanation

Facts = dict[str, Any]  # case.json, as parsed
OnPage = Callable[[int, int], None]  # pages written, pages in all


def write_html(
    case: Path,
    facts: Facts,
    triage: Triage,
    on_page: OnPage | None = None,
    details: CaseDetails = NO_DETAILS,
) -> None:
    """Write every page of a case into its folder, and remove lists that it no longer has.

    The same case gives the same bytes. Raises OutputError if a page cannot be written.
    """
    Pages(case, facts, triage, on_page or (lambda _done, _total: None), details).write()


@dataclass(frozen=True)
class _Neighbour:
    href: str


class Pages:
    """The pages of one case."""

    def __init__(self, case: Path, facts: Facts, triage: Triage, on_page: OnPage, details: CaseDetails) -> None:
        self.case, self.facts, self.triage, self.on_page, self.details = case, facts, triage, on_page, details
        self._data: list[str] = []  # rows for the filter, as JSON; about 200 bytes each
        self._dresses = {script: dress(script) for script in (None, "index.js", "photo.js")}
        self._dresses[EXPLAINED] = dress("photo.js", EXPLANATION_STYLE)

    def write(self) -> None:
        """Write everything, the overview last, as it contains the rows of all files."""
        count = self.triage.by_status[ANALYSED]
        analysed = Listing(
            "analysed files", "Analysed files", "highest score first", "index", "triage", count, scored=True
        )
        others = Listing(
            "files without a verdict",
            "Files without a verdict",
            "not analysed first, then failed, by reason",
            "not-analysed",
            "others",
            len(self.triage) - count,
            scored=False,
        )
        firsts = {analysed: Part(analysed, 1, []), others: Part(others, 1, [])}
        pending: dict[Listing, list[Row]] = {analysed: [], others: []}
        written = dict.fromkeys(firsts, 0)
        for number, (before, entry, after) in enumerate(_with_neighbours(self.triage), start=1):
            row = row_of(entry)
            self._data.append(_json(overview.data_of(row)))
            self._photo(entry, before, after, number)
            self.on_page(number, len(self.triage))
            listing = analysed if entry.status == ANALYSED else others
            pending[listing].append(row)
            whole = number in (count, len(self.triage))  # the end of either list
            for rows in listing.portions(pending[listing], whole=whole):
                written[listing] += 1
                part = Part(listing, written[listing], rows)
                if part.number == 1:
                    firsts[listing] = part
                else:
                    self._write_page(part.file, "list.html", None, facts=self.facts, listing=part)
        self._remove_old_lists(analysed, others)
        self._write_page(
            PAGE,
            "index.html",
            "index.js",
            facts=self.facts,
            triage=firsts[analysed],
            others=firsts[others],
            data=Markup("[" + ",\n".join(self._data) + "]"),  # escaped by _json
            reading=wording.LIMITS,
            note_kinds=KINDS,
            **overview.overview(self.facts, self.triage),
        )

    def _photo(self, entry: Entry, before: Entry | None, after: Entry | None, number: int) -> None:
        page = page_of(entry, self.triage.like(entry), explanation_of(self.case, entry))
        self._write_page(
            f"{entry.place}/{PAGE}",
            "photo.html",
            EXPLAINED if page.explained else "photo.js" if page.stage else None,
            page=page,
            before=_neighbour(before, page.root),
            after=_neighbour(after, page.root),
            number=number,
            total=len(self.triage),
            ramp=self._ramp,
            gauge=overview.gauge_of(page.row.score, wording.limits_of(entry.record["settings"])),
        )

    @cached_property
    def _ramp(self) -> list[tuple[str, str]]:
        """Return (offset, colour) of the map's colours."""
        values = np.linspace(0, 1, RAMP_STEPS + 1, dtype=np.float32)[None]
        return [
            (f"{index / RAMP_STEPS:.4g}", f"#{red:02x}{green:02x}{blue:02x}")
            for index, (blue, green, red) in enumerate(colours(values)[0].tolist())
        ]

    def _remove_old_lists(self, *listings: Listing) -> None:
        """Remove pages of lists that an earlier report of a larger case left."""
        kept = {listing.file(number) for listing in listings for number in range(1, listing.parts + 1)}
        for path in self.case.glob("*.html"):
            if re.fullmatch(r"(index|not-analysed)-\d+\.html", path.name) and path.name not in kept:
                path.unlink()

    def _write_page(self, name: str, template: str, dress_name: str | None, **values: Any) -> None:
        text = environment().get_template(template).render(**self._dresses[dress_name], details=self.details, **values)
        write_below(self.case, name, text.encode("utf-8"), same_stays=True, durable=False)


@cache
def environment() -> jinja2.Environment:
    """Return the template environment. Every value is escaped, and a missing one is an error."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("mesorch_cli.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["columns"] = COLUMNS
    made.filters["runs"] = lambda blocks: [(kind, list(run)) for kind, run in groupby(blocks, key=kind_of)]
    return made


def finalize(value: Any) -> Any:
    """Make all characters in a template's texts visible. Markup is unchanged."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def policy(style: str, script: str | None) -> str:
    """Return a page's content security policy: its own style and script, pictures beside it, and nothing else."""
    scripts = "" if script is None else f" script-src '{_hash(script)}';"
    pictures_and_style = f"img-src 'self' file:; style-src '{_hash(style)}';"
    return f"default-src 'none'; {pictures_and_style}{scripts} base-uri 'none'; form-action 'none'"


def dress(name: str | None, *more: str) -> dict[str, Any]:
    """Return what every page with that script, and with more style sheets than that of all, has in common."""
    style, script = Markup("").join(map(_asset, (STYLE, *more))), None if name is None else _asset(name)
    return {"style": style, "script": script, "policy": policy(style, script)}


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _asset(name: str) -> Markup:
    """Return one of our style sheets or scripts for a page."""
    text = files("mesorch_cli.report").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # it contains no text from outside


def _json(value: Any) -> str:
    """Return ASCII JSON that no HTML parser can take for markup."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _neighbour(entry: Entry | None, root: str) -> _Neighbour | None:
    return None if entry is None else _Neighbour(href(f"{entry.place}/{PAGE}", root))


def _with_neighbours(entries: Iterable[Entry]) -> Iterator[tuple[Entry | None, Entry, Entry | None]]:
    """Yield each entry between its neighbours."""
    before: Entry | None = None
    current: Entry | None = None
    for entry in entries:
        if current is not None:
            yield before, current, entry
            before = current
        current = entry
    if current is not None:
        yield before, current, None
