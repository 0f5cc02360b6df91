"""Contradictions among a file's statements. Each is a note for an examiner, as honest files have them too."""

import re
from datetime import datetime
from typing import Any

from mesorch_cli.evidence.containers.boxes import MainItem
from mesorch_cli.evidence.tags.editors import editor_of, same_house

LIKE = 0.8  # correlation below which a thumbnail is said to show something else
_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")


def consistency_notes(metadata: dict[str, Any], width: int, height: int) -> list[str]:
    """Return the notes on a file's metadata, collected by `read_metadata`, and on the size of its stored raster."""
    main, photo = (metadata.get("exif", {}).get(name, {}) for name in ("main", "photo"))
    xmp = metadata.get("xmp", {}).get("properties", {})
    jpeg = metadata.get("jpeg", {})
    return [
        *_software(metadata.get("software"), main, xmp),
        *_last_saved(metadata.get("software"), xmp, jpeg),
        *_dates(metadata.get("dates", {})),
        *_dimensions(photo, width, height),
        *_orientation(main.get("Orientation"), metadata.get("avif") or metadata.get("heic") or {}),
        *_thumbnail(metadata.get("thumbnail")),
        *_jpeg(jpeg, main),
    ]


def _software(software: Any, main: dict[str, Any], xmp: dict[str, Any]) -> list[str]:
    notes = []
    if editor_of(software) is not None:
        notes.append(f"note: the software named is an editor ({str(software)[:100]!r}); plain export names it too")
    tool = xmp.get("xmp:CreatorTool")
    named = main.get("Software")
    if isinstance(tool, str) and isinstance(named, str) and tool.strip() != named.strip():
        notes.append(f"note: EXIF names the software {named[:100]!r}, XMP {tool[:100]!r}")
    steps = xmp.get("stEvt:action")
    if steps:
        count = len(steps) if isinstance(steps, list) else 1
        notes.append(
            f"note: the XMP history has {count} step(s); a history says what a program wrote, and may be incomplete"
        )
    return notes


def _last_saved(software: Any, xmp: dict[str, Any], jpeg: dict[str, Any]) -> list[str]:
    """Say that an editor saved the file last, if the named software agrees with the file's structure or history.

    A name alone is not enough, as names are carried over and can be typed in. Nor is the structure of a file, which
    several writers share. If a camera is known to write like this too, nothing is said.
    """
    named = editor_of(software)
    writers = jpeg.get("known_writers", [])
    if named is None or any(writer.endswith("(camera)") for writer in writers):
        return []
    reasons = [f"the software named is {str(software)[:100]!r}"]
    alike = [writer for writer in writers if same_house(writer, named)]
    if alike:
        reasons.append(
            "the tables, subsampling, order and segments are, of the writers known here, those of "
            f"{', '.join(writers)} alone"
        )
    if same_house(named, "Adobe") and jpeg.get("save_for_web_quality") is not None:
        reasons.append("a segment of Photoshop's export for the web is there")
    actions, agents = (_texts(xmp.get(f"stEvt:{name}")) for name in ("action", "softwareAgent"))
    last = editor_of(agents[-1]) if agents and actions and actions[-1] == "saved" else None
    if last is not None and same_house(last, named):
        reasons.append(f"the last step of the XMP history is that {agents[-1][:100]!r} saved it")
    if len(reasons) == 1:
        return []
    return [f"note: as far as can be told the file was last saved by an editor ({named}): {'; '.join(reasons)}"]


def _texts(value: Any) -> list[str]:
    """Return a property, which is a text or a list of texts, as a list."""
    return [value] if isinstance(value, str) else list(value or ())


def _dates(dates: dict[str, Any]) -> list[str]:
    notes = []
    read = {name: _date(text) for name, text in dates.items()}
    for name, text in dates.items():
        if read[name] is None and isinstance(text, str) and text.strip(" :0"):
            notes.append(f"note: {name} is no date ({text[:40]!r})")
    taken = read.get("DateTimeOriginal")
    for name in ("DateTimeDigitized", "DateTime"):
        later = read.get(name)
        if taken is not None and later is not None and later < taken:
            notes.append(f"note: {name} ({later}) lies before DateTimeOriginal ({taken}); a clock may have been set")
    if taken is not None and (changed := read.get("DateTime")) is not None and changed > taken:
        notes.append(f"note: the file was written at {changed}, after the photo was taken at {taken}")
    return notes


def _dimensions(photo: dict[str, Any], width: int, height: int) -> list[str]:
    sides = (photo.get("ExifImageWidth"), photo.get("ExifImageHeight"))
    stated = [side for side in sides if isinstance(side, int) and side > 0]
    if len(stated) < 2 or sorted(stated) == sorted((width, height)):
        return []
    return [
        f"note: EXIF says {stated[0]} x {stated[1]} pixels, the picture has {width} x {height}; it was cropped or "
        "resized by something that left the tag"
    ]


def _orientation(stated: Any, container: dict[str, Any]) -> list[str]:
    """Compare EXIF's orientation with the container's own, if that counts."""
    if not isinstance(stated, int) or not 1 <= stated <= 8 or "turned_left_by_degrees" not in container:
        return []
    mirror = container["mirrored"]
    item = MainItem(None, container["turned_left_by_degrees"] // 90, None if mirror == "no" else mirror)
    if stated == item.orientation:
        return []
    return [
        f"note: EXIF says orientation {stated}, the container {item.orientation}; by the standard, and in viewers, the "
        "container decides"
    ]


def _thumbnail(thumbnail: dict[str, Any] | None) -> list[str]:
    correlation = (thumbnail or {}).get("correlation")
    if correlation is None or correlation >= LIKE:
        return []
    return [
        f"note: the embedded thumbnail does not look like the photo (correlation {correlation}); it was changed, "
        "turned or cropped by something that left the thumbnail"
    ]


def _jpeg(jpeg: dict[str, Any], main: dict[str, Any]) -> list[str]:
    notes = []
    if jpeg.get("standard_tables") and main.get("Make") and "known_writers" not in jpeg:
        notes.append(
            f"note: the quantisation tables are the standard ones at quality {jpeg.get('quality')}, which most "
            "programs write, and some makers' cameras and phones too"
        )
    if jpeg.get("tables_defined_again"):
        notes.append("note: a quantisation table is defined more than once")
    if jpeg.get("save_for_web_quality") is not None:
        notes.append("note: a segment of Photoshop's export for the web (Ducky) is there")
    return notes


def _date(text: Any) -> datetime | None:
    found = _DATE.match(text) if isinstance(text, str) else None
    if found is None:
        return None
    try:
        return datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
