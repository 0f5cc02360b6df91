"""One decoder for each format: bytes in, stored samples out, with no rotation, no blending and no colour profile."""

import io
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import PIL
from PIL import AvifImagePlugin, BmpImagePlugin, GifImagePlugin, Image

from mesorch_cli.evidence import formats
from mesorch_cli.evidence.colour import Samples, spread_words, to_fixed_range
from mesorch_cli.evidence.containers import bmp, png
from mesorch_cli.evidence.containers.camera_raw import decode_raw
from mesorch_cli.evidence.containers.simple import NOT_IMPLEMENTED, is_turned, padded
from mesorch_cli.evidence.inspection import Inspection, UnsupportedError
from mesorch_cli.evidence.jpeg.structure import APP14, JpegStructure
from mesorch_cli.evidence.photo import Content, page_read
from mesorch_cli.evidence.tiff.pixels import decode_tiff

MAX_SALVAGED_BYTES = 1 << 30  # rebuild damaged PNG data only up to 1 GiB
LOSSLESS_FRAME = 0xC3
# Kinds of frame that no decoder here knows; a copy of the file would not help.
_FRAMES_NOT_READ = {
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical"),
    0xCB: "lossless, arithmetically coded",
}
_COMPOSED = "frame put together from the ones before it, as the animation asks"


def decode(data: Content, inspection: Inspection) -> Samples:
    """Decode one picture of `data` in its stored raster: the first full one, or the page asked for.

    Damage that still decodes is read as far as it goes, the rest being what the decoder makes up (grey or black);
    `inspection.findings` says so. Raises UnsupportedError, or whatever the codec raises where nothing decodes.
    """
    if inspection.format == formats.TIFF:
        samples = decode_tiff(data, inspection)
    else:
        samples = _DECODERS[inspection.format](bytes(data), inspection)
    if inspection.asked and inspection.pages > 1:
        samples.conversions.insert(0, page_read(inspection.page, inspection.pages))
    elif inspection.pages > 1:
        samples.conversions.insert(0, f"first of {inspection.pages} frames or pages read")
    return samples


def _codec(name: str, array: Any, kind: str, library: str) -> Samples:
    version = f"{imagecodecs.__version__} ({library})"
    return Samples(array, kind, f"imagecodecs.{name}", version)


def _decode_jpeg(data: bytes, inspection: Inspection) -> Samples:
    """Decode by libjpeg-turbo, which fills what is missing. CMYK is inverted where an Adobe segment is there."""
    structure: JpegStructure = inspection.structure
    kind_of_frame = _FRAMES_NOT_READ.get(structure.frame_marker)
    if kind_of_frame is not None:
        raise UnsupportedError(f"a JPEG of the {kind_of_frame} kind")
    try:
        array = imagecodecs.jpeg8_decode(data)
    except imagecodecs.Jpeg8Error as error:
        if structure.frame_marker == LOSSLESS_FRAME and "color conversion" in str(error):
            # JFIF makes such a file YCbCr; most writers store RGB in it all the same. Nothing in it tells which.
            raise UnsupportedError("a lossless JPEG in colour that does not say whether it is RGB or YCbCr") from error
        if not structure.foreign:
            raise
        mended = bytearray(data)
        for at in structure.foreign:
            mended[at + 1] = 0  # a stuffed 0xFF: still wrong data, but no longer a marker that stops the decoder
        array = imagecodecs.jpeg8_decode(bytes(mended))
    kind = {1: "grey", 3: "rgb", 4: "cmyk"}[len(structure.components)]
    samples = _codec("jpeg8", array, kind, imagecodecs.jpeg8_version())
    samples.bits = structure.precision
    if kind == "cmyk":
        adobe = [s for s in structure.segments if s.marker == APP14 and data[s.payload : s.payload + 5] == b"Adobe"]
        if adobe:
            samples.kind = "cmyk inverted"
            if data[adobe[0].payload + 11 : adobe[0].payload + 12] == b"\2":
                samples.conversions.append("YCCK to CMYK")
    return samples


def _decode_png(data: bytes, inspection: Inspection) -> Samples:
    structure: png.PngStructure = inspection.structure
    if inspection.page > 1:
        frame = imagecodecs.apng_decode(data, index=inspection.page - 1)
        kind = "rgb" if frame.ndim == 3 and frame.shape[2] > 2 else "grey"
        samples = _codec("apng", frame, kind, imagecodecs.apng_version())
        samples.conversions.append(_COMPOSED)
        return samples
    raw = png.check_png_stream(data, structure, inspection.findings)
    if raw is not None and structure.raw_bytes <= MAX_SALVAGED_BYTES:
        data = png.salvage_png(data, structure, raw)
    elif inspection.findings.damage:
        data = png.with_sound_checksums(data, structure)
    array = imagecodecs.png_decode(data)
    grey = structure.colour in (png.GREY, png.GREY_ALPHA)
    samples = _codec("png", array, "grey" if grey else "rgb", imagecodecs.png_version())
    if structure.colour == png.PALETTE:
        samples.conversions.append("palette expanded")
    elif structure.depth < 8:
        samples.conversions.append(spread_words(structure.depth))
    return samples


def _decode_webp(data: bytes, inspection: Inspection) -> Samples:
    array = imagecodecs.webp_decode(padded(data, inspection.structure), index=inspection.page - 1)
    samples = _codec("webp", array, "rgb", imagecodecs.webp_version())
    if inspection.page > 1:
        samples.conversions.append(_COMPOSED)
    return samples


def _decode_avif(data: bytes, inspection: Inspection) -> Samples:
    if inspection.pages > 1:
        return _decode_avif_frame(data, inspection)
    try:
        array = np.asarray(imagecodecs.avif_decode(data, index=0, numthreads=1))
    except imagecodecs.AvifError as error:
        if any(sign in str(error).lower() for sign in NOT_IMPLEMENTED):
            raise UnsupportedError(f"an AVIF image of a kind that its decoder does not read ({error})") from error
        raise
    grey = array.ndim == 2 or array.shape[2] < 3
    samples = _codec("avif", array, "grey" if grey else "rgb", imagecodecs.avif_version())
    if array.dtype == np.uint16:
        inspection.bits = _avif_bits(data)
        samples.bits = inspection.bits
    return samples


def _decode_avif_frame(data: bytes, inspection: Inspection) -> Samples:
    """Decode one frame of a sequence by Pillow: imagecodecs' decoder overruns its memory on sequences (2026.3.6)."""
    image = AvifImagePlugin.AvifImageFile(io.BytesIO(data))
    image.seek(inspection.page - 1)
    try:
        samples = _from_pillow(image)
    except OSError as error:
        if "Not implemented" in str(error):
            raise UnsupportedError(f"an AVIF image of a kind that its decoder does not read ({error})") from error
        raise
    inspection.bits = _avif_bits(data)
    if inspection.bits > 8:
        samples.conversions.append(f"{inspection.bits}-bit samples cut to 8 bits by the decoder")
    return samples


def _decode_heic(_data: bytes, inspection: Inspection) -> Samples:
    """Decode by libheif, which turns and mirrors as the container asks; it cannot be told not to."""
    import pi_heif

    main = inspection.structure
    array = np.array(main)  # a copy: the library's own memory goes with its object
    kind = "grey" if array.ndim == 2 else "rgb"
    samples = Samples(array, kind, "pi_heif", f"{pi_heif.__version__} (libheif {pi_heif.libheif_version()})")
    if array.dtype == np.uint16 and inspection.bits < 16:
        samples.array = array >> np.uint16(16 - inspection.bits)  # undo the library's plain shift
        samples.bits = inspection.bits
    if is_turned(inspection):
        samples.conversions.append("rotation or mirroring stated by the HEIF container applied by the decoder")
    return samples


def _decode_bmp(data: bytes, inspection: Inspection) -> Samples:
    header: bmp.BmpHeader = inspection.structure
    data = padded(data, header.needed)
    if not bmp.is_read_by_pillow(header):
        return bmp.decode_plain(data, header)
    return _from_pillow(BmpImagePlugin.BmpImageFile(io.BytesIO(data)))


def _decode_gif(data: bytes, inspection: Inspection) -> Samples:
    image = GifImagePlugin.GifImageFile(io.BytesIO(data))
    if inspection.page > 1:
        image.seek(inspection.page - 1)
    samples = _from_pillow(image)
    if inspection.page > 1:
        samples.conversions.append(_COMPOSED)
    return samples


def _decode_jpeg2000(data: bytes, inspection: Inspection) -> Samples:
    try:
        array = np.asarray(imagecodecs.jpeg2k_decode(data, numthreads=1))
    except imagecodecs.Jpeg2kError as error:
        if "not supported" in str(error):
            raise UnsupportedError(f"a JPEG 2000 image of a kind that its decoder does not read ({error})") from error
        raise
    grey = array.ndim == 2 or array.shape[2] < 3
    samples = _codec("jpeg2k", array, "grey" if grey else "rgb", imagecodecs.jpeg2k_version())
    samples.bits = inspection.bits
    return samples


def _decode_jpegxl(data: bytes, inspection: Inspection) -> Samples:
    """Decode by libjxl, told to leave the picture as it is stored."""
    array = np.asarray(imagecodecs.jpegxl_decode(data, index=0, keeporientation=True, numthreads=1))
    conversions: list[str] = []
    array = to_fixed_range(array, conversions)
    grey = array.ndim == 2 or array.shape[2] < 3
    samples = _codec("jpegxl", array, "grey" if grey else "rgb", imagecodecs.jpegxl_version())
    samples.conversions = conversions
    if 8 < inspection.bits < 16 and not conversions:
        samples.bits = inspection.bits
    return samples


def _from_pillow(image: Image.Image) -> Samples:
    """Take an opened image of Pillow's; its class was called directly because `Image.open` has a global pixel limit."""
    transparent = "transparency" in image.info
    image.load()
    mode = image.mode
    samples = Samples(np.empty((0, 0), np.uint8), "rgb", "pillow", PIL.__version__)
    if mode == "P":
        samples.conversions.append("palette expanded")
        if transparent:
            samples.conversions.append("transparent colour drawn as any other")
        image = image.convert("RGB")
    elif mode == "1":
        samples.conversions.append("1-bit samples scaled to 8 bits")
        image = image.convert("L")
    elif mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
        samples.conversions.append(f"{mode} to RGB by the decoder")
    samples.kind = "grey" if image.mode in ("L", "LA") else "rgb"
    samples.array = np.asarray(image)
    return samples


def _avif_bits(data: bytes) -> int:
    """Return the bit depth that the AV1 configuration box declares (8, 10 or 12)."""
    at = data.find(b"av1C")
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


_DECODERS: dict[str, Callable[[bytes, Inspection], Samples]] = {
    formats.JPEG: _decode_jpeg,
    formats.PNG: _decode_png,
    formats.WEBP: _decode_webp,
    formats.BMP: _decode_bmp,
    formats.GIF: _decode_gif,
    formats.HEIC: _decode_heic,
    formats.AVIF: _decode_avif,
    formats.JPEG2000: _decode_jpeg2000,
    formats.JPEGXL: _decode_jpegxl,
    formats.RAW: decode_raw,
}
