"""Whether a file looks as a camera wrote it, or was saved again, as far as its own statements and structure tell."""

from collections.abc import Mapping
from typing import Any, Literal

from mesorch_cli.evidence.tags.editors import editor_of

History = Literal["as a camera wrote it", "saved again"]
CAMERA: History = "as a camera wrote it"
SAVED_AGAIN: History = "saved again"
SIDES = ("ExifImageWidth", "ExifImageHeight")


def history_of(metadata: Mapping[str, Any], width: int, height: int) -> History:
    """Return the history of a file with this metadata (see `read_metadata`) and these sides of its stored raster.

    As a camera wrote it: EXIF names make and model, and nothing says that a program saved the file later. Anything else
    counts as saved again, also a file without metadata, as exports and web sites remove it. Both can be forged: this
    places a file among others, and proves nothing about it.
    """
    exif = metadata.get("exif", {})
    main, photo = exif.get("main", {}), exif.get("photo", {})
    if not (main.get("Make") and main.get("Model")):
        return SAVED_AGAIN
    stated = [photo.get(side) for side in SIDES]
    resized = all(isinstance(side, int) and side > 0 for side in stated) and sorted(stated) != sorted((width, height))
    return SAVED_AGAIN if resized or _names_program(metadata) else CAMERA


def _names_program(metadata: Mapping[str, Any]) -> bool:
    """Return whether names, structure or the XMP history of a file show a program rather than a camera."""
    jpeg, xmp = metadata.get("jpeg", {}), metadata.get("xmp", {}).get("properties", {})
    writers = jpeg.get("known_writers", ())
    return (
        any(editor_of(name) is not None for name in (metadata.get("software"), xmp.get("xmp:CreatorTool")))
        or bool(writers and not any(writer.endswith("(camera)") for writer in writers))
        or jpeg.get("save_for_web_quality") is not None
        or bool(xmp.get("stEvt:action"))
    )
