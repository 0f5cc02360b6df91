"""A case of the real tool: a few photos, some with hostile names and metadata, analysed with the weights that ship."""

import io
import os
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from mesorch_cli.cli.app import app

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPT = "<script>document.title='taken'</script>"
NAMES = {
    "script": "c/<img src=x onerror=document.title='taken'>.jpg",
    "turned": "c/turned \u202egpj.exe.jpg",
    "bytes": "d/bytes \udcff\udcfe.jpg",
    "line": "d/new\nline #1?x=%20&'quoted\".jpg",
    "hebrew": "d/\u05e9\u05dc\u05d5\u05dd \u0441\u043d\u0438\u043c\u043e\u043a.jpg",
}


def write(evidence: Path, name: str, data: bytes) -> None:
    path = os.path.join(os.fsencode(evidence), os.fsencode(name))  # noqa: PTH118  # bytes that are no text
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(data)


def jpeg(source: str, box: tuple[int, int, int, int], exif: dict[int, object] | None = None) -> bytes:
    """Return a part of an example as JPEG, with EXIF tags by number."""
    tags = Image.Exif()
    for number, value in (exif or {}).items():
        tags[number] = value
    with Image.open(EXAMPLES / source) as photo, io.BytesIO() as file:
        photo.convert("RGB").crop(box).save(file, "JPEG", quality=95, exif=tags)
        return file.getvalue()


def make_evidence(folder: Path) -> None:
    """Write twelve files: one forged, copies, odd names, damage, and what is no photo."""
    forged = (EXAMPLES / "splice.jpg").read_bytes()
    write(folder, "a/splice.jpg", forged)
    write(folder, "b/splice.jpg", forged)
    hostile = {0x010F: SCRIPT, 0x0131: '" onload="document.title=1', 0x0112: 6, 0x9286: "javascript:alert(1)"}
    write(folder, NAMES["script"], jpeg("splice.jpg", (480, 0, 600, 200), hostile))
    write(folder, NAMES["turned"], jpeg("removal.jpg", (150, 380, 370, 500), {0x0112: 3}))
    write(folder, NAMES["bytes"], jpeg("authentic.jpg", (0, 0, 96, 96)))
    write(folder, NAMES["line"], jpeg("authentic.jpg", (100, 100, 200, 180)))
    write(folder, NAMES["hebrew"], jpeg("authentic.jpg", (200, 100, 300, 220)))
    write(folder, "damaged.jpg", forged[:20_000])
    write(folder, "empty.jpg", b"")
    write(folder, "words.jpg", SCRIPT.encode())
    write(folder, "tiny.jpg", jpeg("authentic.jpg", (0, 0, 8, 8)))
    write(folder, "notes.txt", b"no photo")


def make_case(folder: Path) -> Path:
    """Analyse such evidence and build pages and PDF; return the case."""
    make_evidence(folder / "evidence")
    case = folder / "case"
    analysed = CliRunner().invoke(app, ["batch", str(folder / "evidence"), "-o", str(case), "--quiet"])
    assert analysed.exit_code == 3, analysed.stderr
    reported = CliRunner().invoke(app, ["report", str(case), "--pdf", "--quiet"])
    assert reported.exit_code == 0, reported.stderr
    return case
