"""Camera raw files, developed by LibRaw with one fixed recipe, which the record names (extra `raw`)."""

import io
from importlib import metadata
from typing import Any

from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.containers.boxes import AVIF_BRANDS, RAW_BRAND, brands
from mesorch_cli.evidence.format import Format, decoding_whole, inspecting_whole
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, UnsupportedError
from mesorch_cli.extras import install_hint

NAME = "camera raw"
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Fujifilm, Olympus, Panasonic, Sigma and Canon. Most other makers write TIFFs, which the TIFF package recognises.
_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"II\x1a\0\0\0HEAPCCDR")

# No setting depends on the content of the picture or guesses: development is always the same.
DEVELOPMENT: dict[str, Any] = {
    "demosaic": "AHD",
    "white_balance": "as shot by the camera",
    "brightness": "not adapted",
    "gamma": [2.222, 4.5],
    "colour_space": "sRGB",
    "bits": 16,
    "highlights": "clipped",
    "rotation": "none",
}
_FLIPS = {0: 1, 3: 3, 5: 8, 6: 6}  # LibRaw's code for the camera's attitude, as an EXIF orientation


def is_canon_raw(head: bytes) -> bool:
    """Recognise a Canon raw file by its first bytes: a marked TIFF (CR2), or boxes of Canon's brand (CR3)."""
    if head.startswith(TIFF_STARTS):
        return head[8:10] == b"CR"
    return head[8:12] == RAW_BRAND and bool(found := brands(head)) and not found & AVIF_BRANDS


def inspect_raw(data: bytes, findings: Findings | None = None) -> Inspection:
    """Let LibRaw read the headers of a raw file. Nothing is developed yet.

    findings: known facts about the file's structure. Raises UnsupportedError if rawpy is not installed.
    """
    try:
        import rawpy
    except ImportError as error:
        raise UnsupportedError(
            f"a camera raw file, for which the package rawpy is not installed ({install_hint('raw')})"
        ) from error
    try:
        raw = rawpy.imread(io.BytesIO(data))
    except rawpy.LibRawFileUnsupportedError as error:
        raise UnsupportedError("a camera raw file of a kind that LibRaw does not know") from error
    except rawpy.LibRawError as error:
        raise BrokenHeaderError(f"LibRaw cannot open it ({_words(error)})") from error
    sizes = raw.sizes
    inspection = Inspection(NAME, sizes.width, sizes.height, 16, findings=findings or Findings(), structure=raw)
    inspection.orientation = _FLIPS.get(sizes.flip, 1)
    if data.startswith(TIFF_STARTS):
        inspection.exif = data
    inspection.facts["development"] = DEVELOPMENT
    inspection.facts["sensor"] = {"width": sizes.raw_width, "height": sizes.raw_height, "kind": raw.raw_type.name}
    return inspection


def decode_raw(_data: bytes, inspection: Inspection) -> Samples:
    """Develop the sensor's data by DEVELOPMENT."""
    import rawpy

    try:
        array = inspection.structure.postprocess(
            demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD,
            use_camera_wb=True,
            no_auto_bright=True,
            no_auto_scale=False,
            gamma=tuple(DEVELOPMENT["gamma"]),
            output_color=rawpy.ColorSpace.sRGB,
            output_bps=DEVELOPMENT["bits"],
            highlight_mode=rawpy.HighlightMode.Clip,
            user_flip=0,
        )
    except rawpy.LibRawError as error:
        raise ValueError(_words(error)) from error
    inspection.structure.close()
    version = f"{metadata.version('rawpy')} (libraw {'.'.join(map(str, rawpy.libraw_version))})"
    samples = Samples(array, "rgb", "rawpy", version)
    samples.conversions.append(
        "developed from camera raw: demosaicked, white balance and colours of the camera, to sRGB"
    )
    return samples


def _words(error: Exception) -> str:
    """Return LibRaw's message, which is bytes or the text form of bytes."""
    return str(error.args[0] if error.args else type(error).__name__).removeprefix("b'").rstrip("'")[:200]


RAW = Format(
    name=NAME,
    suffixes=(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"),
    recognises=lambda head: head.startswith(_STARTS) or is_canon_raw(head),
    inspect=inspecting_whole(inspect_raw),
    decode=decoding_whole(decode_raw),
    media_type="image/x-adobe-dng",
)
