"""Make `mesorch_cli/evidence/jpeg/writers.json`, and count what its names are worth: whose tables, in what kind of file.

usage: known_writers.py FOLDER... [--write] [--left-out]

FOLDERs hold JPEGs of known origin, to any depth. A photo counts for its camera if it is what left the camera, as far as
its own header can tell: maker and model named, no editing or copying program named, none of their segments, no history,
the size that EXIF states, and a maker note or one date. It counts for a program if that is named as the software, and
for one of Adobe's if Adobe's segment is there too. --left-out: for every camera original, which names it gets beside its
own, by tables alone and by all that has to agree.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from mesorch_cli.evidence.inspection import BrokenHeaderError, UnsupportedError
from mesorch_cli.evidence.jpeg.structure import inspect_jpeg
from mesorch_cli.evidence.jpeg.writers import Signature, signature_of
from mesorch_cli.evidence.metadata.summary import describe_jpeg, estimate_quality
from mesorch_cli.evidence.tags.editors import editor_of
from mesorch_cli.evidence.tags.exif import read_exif
from mesorch_cli.evidence.tags.xmp import read_xmp

TARGET = Path(__file__).parents[1] / "mesorch_cli" / "evidence" / "jpeg" / "writers.json"
# Programs that are no editors, or not only: what they name is not what left a camera.
OTHERS = {
    "Apple Photos": r"^(photos|fotos) \d", "Apple iPhoto": r"^iphoto", "Apple Aperture": r"^aperture",
    "Windows Photo Editor": r"^windows photo editor", "Nikon Capture NX": r"^capture nx",
    "Canon Digital Photo Professional": r"^digital photo professional", "Bibble": r"^bibble",
    "Zoner Photo Studio": r"^zoner", "PhotoFiltre": r"^photofiltre", "ACDSee": r"acd systems", "Pixlr": r"^pixlr",
    "PicMonkey": r"picmonkey",
}  # fmt: skip
_OTHERS = [(name, re.compile(pattern, re.IGNORECASE)) for name, pattern in OTHERS.items()]
# Sites, and programs that copy, turn or tag a file without writing its picture anew: whose tables these are stays open.
_STRANGE = re.compile(
    r"google|imageready|rawpixel|photoshelter|exifutils|f-spot|ofoto|anadolu|pmb|photo desk|quicktime|photo gallery|viewer|"
    r"nikon (transfer|browser)|pictureproject|master|digikam|bridge|nero|picture motion|instagram|facebook",
    re.IGNORECASE,
)
_FOREIGN = {"Adobe", "Ducky", "Photoshop"}


def program_of(software: object) -> str | None:
    """Return the program that a text names, an editor or another; None for a camera's own and for none."""
    if not isinstance(software, str):
        return None
    found = editor_of(software)
    return found or next((name for name, pattern in _OTHERS if pattern.search(software)), None)


def writer_of(exif: dict[str, dict[str, Any]], signature: Signature, size: tuple[int, int], edited: bool) -> str | None:
    """Return who wrote a file, as "NAME (camera)" or "NAME (program)"; None where its header leaves that open."""
    main, photo = exif.get("main", {}), exif.get("photo", {})
    software, make, model = main.get("Software"), main.get("Make"), main.get("Model")
    program = program_of(software)
    if program is not None:
        honest = not program.startswith("Adobe") or "Adobe" in signature.segments
        return f"{program} (program)" if honest else None
    if not (isinstance(make, str) and isinstance(model, str) and make.strip() and model.strip()):
        return None
    if edited or _FOREIGN & set(signature.segments) or (isinstance(software, str) and _STRANGE.search(software)):
        return None
    dates = {photo.get("DateTimeOriginal"), main.get("DateTime") or photo.get("DateTimeOriginal")}
    stated = (photo.get("ExifImageWidth"), photo.get("ExifImageHeight"))
    fits = sorted(map(str, stated)) == sorted(map(str, size))
    if not fits or ("MakerNote" not in photo and (len(dates) != 1 or None in dates)):
        return None
    make, model = " ".join(make.split()), " ".join(model.split())
    return f"{model if model.lower().startswith(make.lower()) else f'{make} {model}'} (camera)"


def look(path: Path) -> tuple[Signature, str | None, bool] | None:
    """Return a file's signature, its writer, and whether its tables are the standard ones; None for what is no JPEG."""
    data = path.read_bytes()
    if not data.startswith(b"\xff\xd8"):
        return None
    try:
        inspection = inspect_jpeg(data)
    except (BrokenHeaderError, UnsupportedError):
        return None
    facts = describe_jpeg(data, inspection.structure, [])
    signature = signature_of(data, inspection.structure, facts)
    if signature is None:
        return None
    xmp = read_xmp(inspection.xmp, [])
    edited = "stEvt:action" in xmp or program_of(xmp.get("xmp:CreatorTool")) is not None
    size = (inspection.width, inspection.height)
    standard = estimate_quality(list(signature.luma), list(signature.chroma or ()) or None)[1]
    return signature, writer_of(read_exif(inspection.exif).tags, signature, size, edited), standard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--left-out", action="store_true")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    known: dict[Signature, Counter[str]] = defaultdict(Counter)
    for path in sorted(path for folder in arguments.folders for path in folder.rglob("*") if path.is_file()):
        found = look(path)
        if found is None:
            continue
        signature, writer, standard = found
        counts["files"] += 1
        if writer is None:
            counts["of nobody known"] += 1
        elif standard:
            counts["with standard tables"] += 1
        else:
            counts[writer.rpartition(" ")[2]] += 1
            known[signature][writer] += 1
    counts["signatures"] = len(known)
    print(dict(counts))
    if arguments.left_out:
        left_out(known)
    if arguments.write:
        rows = [
            {
                "luma": bytes(signature.luma).hex(),
                "chroma": None if signature.chroma is None else bytes(signature.chroma).hex(),
                "subsampling": signature.subsampling,
                "progressive": signature.progressive,
                "segments": list(signature.segments),
                "writers": sorted(writers),
            }
            for signature, writers in sorted(known.items(), key=lambda pair: (min(pair[1]), pair[0]))
        ]
        TARGET.write_text(json.dumps(rows, indent=1) + "\n", encoding="ascii")
        print(TARGET, TARGET.stat().st_size, "bytes")


def left_out(known: dict[Signature, Counter[str]]) -> None:
    """Print, for the camera originals, what they are named when they themselves are not in the collection."""
    by_tables: dict[tuple[Any, Any], set[str]] = defaultdict(set)
    for signature, writers in known.items():
        by_tables[signature.luma, signature.chroma] |= set(writers)
    results: dict[str, Counter[str]] = {"tables alone": Counter(), "all that agrees": Counter()}
    for signature, writers in known.items():
        for writer, number in writers.items():
            if not writer.endswith("(camera)"):
                continue
            for rule, names in (
                ("tables alone", by_tables[signature.luma, signature.chroma]),
                ("all that agrees", set(writers)),
            ):
                others = names - {writer}
                programs = {name for name in others if name.endswith("(program)")}
                kind = (
                    "none" if not others else "a program" if programs == others else "both" if programs else "cameras"
                )
                results[rule][kind] += number
    for rule, kinds in results.items():
        print(f"camera originals, {rule}, others named:", dict(kinds))


if __name__ == "__main__":
    main()
