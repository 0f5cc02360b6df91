"""The views of a photo on disk: a PNG each, `index.html`, and `views.json` with their hashes."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mesorch_cli import __version__
from mesorch_cli.errors import OutputError
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.files.reading import read_below
from mesorch_cli.files.writing import write_below
from mesorch_cli.report.html import dress, environment
from mesorch_cli.report.overlay import png
from mesorch_cli.views.settings import ViewSettings
from mesorch_cli.views.statements import degrees_of, tables_of
from mesorch_cli.views.view import Source, View

LIST_NAME = "views.json"
LARGEST_LIST = 1 << 20  # bytes


@dataclass(frozen=True)
class Shown:
    """A view on the page: the file name and size of its picture, or the reason why there is none."""

    view: View
    file: str | None
    width: int
    height: int
    missing: str | None


def place_for(root: Path, name: str, sha256: str) -> str:
    """Return the folder for a photo's views: `name`-views, with a hash if that folder holds another photo's views."""
    place = f"{name}-views"
    try:
        held = json.loads(read_below(root, f"{place}/{LIST_NAME}", LARGEST_LIST)).get("sha256")
    except FileNotFoundError:
        return place
    except (OSError, ValueError, AttributeError, RecursionError):
        held = None
    return place if held == sha256 else f"{place}-{sha256[:8]}"


def write_views(root: Path, place: str, source: Source, views: tuple[View, ...], settings: ViewSettings) -> None:
    """Draw views and write them into a folder below `root`, the list last. Raises OutputError if that fails."""
    photo = source.photo
    shown: list[Shown] = []
    hashes: dict[str, str] = {}

    def write(name: str, data: bytes) -> None:
        try:
            write_below(root, f"{place}/{name}", data)
        except OSError as error:
            raise OutputError(
                f"Cannot write {root / place / name}: {error.strerror}. Choose another -o folder."
            ) from error
        hashes[name] = sha256_bytes(data)

    for view in views:
        missing = view.missing(source, settings)
        if missing is not None:
            shown.append(Shown(view, None, 0, 0, missing))
            continue
        picture = view.draw(source, settings)
        name = f"{view.name}.png"
        write(name, png(picture))
        shown.append(Shown(view, name, picture.shape[1], picture.shape[0], None))
    page = environment().get_template("views.html").render(
        **dress(None), photo=photo, changes=source.changes, shown=shown, settings=settings, version=__version__,
        tables=tables_of(photo.metadata), degrees=degrees_of(photo.metadata),
    )  # fmt: skip
    write("index.html", page.encode("utf-8"))
    told = {
        "sha256": photo.sha256,
        "tool_version": __version__,
        "settings": asdict(settings),
        "changes": list(source.changes),
        "missing": {one.view.name: one.missing for one in shown if one.missing is not None},
        "files": dict(hashes),
    }
    write(LIST_NAME, (json.dumps(told, indent=1) + "\n").encode("ascii"))
