"""A list of files over several pages. Its first part is on the overview, the others have pages of their own."""

from collections.abc import Iterator
from dataclasses import dataclass

from mesorch_cli.report.pages import Row

ROWS = 200  # of a page; as many thumbnails as a browser shows without effort
AROUND = 2  # pages linked on each side of the present one


@dataclass(frozen=True)
class Column:
    """A column of a list. other: its title in a list without scores. key: what the script sorts by, "" for no sorting.

    scored: only in a list with scores.
    """

    title: str
    key: str = ""
    other: str = ""
    number: bool = False
    scored: bool = False


COLUMNS = (
    Column("No.", "rank", "No.", number=True),
    Column("Photo", other="Photo"),
    Column("Map", scored=True),
    Column("File", "name", "File"),
    Column("Verdict", "verdict", "Verdict"),
    Column("Score", "score", number=True, scored=True),
    Column("Regions", "regions", "Reason"),
    Column("Notes", "notes", "Notes"),
    Column("Flags", "flags", "Flags"),
)


@dataclass(frozen=True)
class Listing:
    """A list as a whole. stem: of its pages' names. anchor: of its first part on the overview. count: of its files.

    scored: whether its files have scores; otherwise they have reasons.
    """

    name: str
    title: str
    order: str
    stem: str
    anchor: str
    count: int
    scored: bool

    @property
    def parts(self) -> int:
        return max(1, -(-self.count // ROWS))

    def file(self, number: int) -> str:
        """Return the name of the page with a part, counted from 1."""
        return "index.html" if number == 1 else f"{self.stem}-{number}.html"

    def address(self, number: int) -> str:
        """Return the address of a part."""
        return f"index.html#{self.anchor}" if number == 1 else self.file(number)

    def portions(self, rows: list[Row], *, whole: bool) -> Iterator[list[Row]]:
        """Take full pages from `rows`, and with `whole` also the rest."""
        while len(rows) >= ROWS or (whole and rows):
            yield rows[:ROWS]
            del rows[:ROWS]


@dataclass(frozen=True)
class Part:
    """One page's part of a list, for the templates. links: (number, address), None for a gap."""

    listing: Listing
    number: int
    rows: list[Row]

    @property
    def file(self) -> str:
        return self.listing.file(self.number)

    @property
    def name(self) -> str:
        return self.listing.name

    @property
    def title(self) -> str:
        return self.listing.title

    @property
    def order(self) -> str:
        return self.listing.order

    @property
    def scored(self) -> bool:
        return self.listing.scored

    @property
    def count(self) -> int:
        return self.listing.parts

    @property
    def first(self) -> int:
        """Return the number of the first row in the list."""
        return (self.number - 1) * ROWS + 1

    @property
    def label(self) -> str:
        return f"{self.title}, page {self.number} of {self.count}"

    @property
    def before(self) -> str | None:
        return self.listing.address(self.number - 1) if self.number > 1 else None

    @property
    def after(self) -> str | None:
        return self.listing.address(self.number + 1) if self.number < self.count else None

    @property
    def links(self) -> list[tuple[int, str] | None]:
        near = range(max(1, self.number - AROUND), min(self.count, self.number + AROUND) + 1)
        links: list[tuple[int, str] | None] = []
        last = 0
        for number in sorted({1, *near, self.count}):
            if number > last + 1:
                links.append(None)
            links.append((number, self.listing.address(number)))
            last = number
        return links
