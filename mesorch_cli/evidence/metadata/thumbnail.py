"""The thumbnail that cameras put into the EXIF block, compared with the photo that it should show."""

from typing import Any

import cv2
import imagecodecs
import numpy as np
import numpy.typing as npt

from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, UnsupportedError
from mesorch_cli.evidence.jpeg.structure import walk
from mesorch_cli.evidence.photo import Content, Pixels
from mesorch_cli.files.hashing import sha256_bytes

MAX_SIDE = 1024  # pixels; a larger picture is not a thumbnail
MAX_BYTES = 1 << 20
_OFFSET, _LENGTH = 0x0201, 0x0202


def find_thumbnail(exif: Content | None) -> bytes | None:
    """Return the JPEG that the second directory of an EXIF block points to, None without one."""
    if not exif or exif[:2] not in (b"II", b"MM") or exif[2:4] not in (b"*\0", b"\0*"):
        return None
    order = "little" if exif[:2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(exif[at : at + size], order)  # type: ignore[arg-type]

    first = number(4, 4)
    second = number(first + 2 + 12 * number(first, 2), 4)
    if not second or second + 2 > len(exif):
        return None
    values = {}
    for entry in range(second + 2, second + 2 + 12 * min(number(second, 2), 64), 12):
        values[number(entry, 2)] = number(entry + 8, 4)
    offset, length = values.get(_OFFSET, 0), values.get(_LENGTH, 0)
    content = bytes(exif[offset : offset + length]) if length <= MAX_BYTES else b""
    return content if content.startswith(b"\xff\xd8\xff") else None


def compare_thumbnail(exif: Content | None, pixels: Pixels, notes: list[str]) -> dict[str, Any] | None:
    """Return size, hash and similarity of the embedded thumbnail, None without one.

    "correlation" compares the brightness of the thumbnail with that of the photo at the same size, -1..1. It is the
    better value of with and without the bars that fill a thumbnail of another shape. None if either is a single tone.
    """
    content = find_thumbnail(exif)
    if content is None:
        return None
    facts: dict[str, Any] = {"bytes": len(content), "sha256": sha256_bytes(content)}
    try:
        frame = walk(content, Findings())  # its claims, before anything is decoded
        width, height = frame.width, frame.height
        if not frame.components:
            notes.append("thumbnail: it does not decode (it has no frame header)")
            return facts
        if max(height, width) > MAX_SIDE:
            notes.append(f"thumbnail: it claims {width} x {height} pixels and was not decoded")
            return facts | {"width": width, "height": height, "correlation": None}
        image = np.asarray(imagecodecs.jpeg8_decode(content))
        if image.shape[:2] != (height, width):
            notes.append(f"thumbnail: it claims {width} x {height} pixels and has {image.shape[1]} x {image.shape[0]}")
            return facts
        facts |= {"width": width, "height": height}
        if min(height, width) < 8 or (image.ndim == 3 and image.shape[2] != 3):
            return facts | {"correlation": None}
        return facts | {"correlation": _likeness(image, pixels)}
    except (imagecodecs.Jpeg8Error, BrokenHeaderError, UnsupportedError) as error:
        notes.append(f"thumbnail: it does not decode ({str(error)[:100]})")
    except (cv2.error, MemoryError, ValueError) as error:
        notes.append(f"thumbnail: it could not be compared ({type(error).__name__})")
    return facts


def _likeness(image: npt.NDArray[Any], pixels: Pixels) -> float | None:
    small = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    scores = [
        score
        for part in (small, _without_bars(small, pixels.shape[1] / pixels.shape[0]))
        if (score := _correlation(part, pixels)) is not None
    ]
    return round(max(scores), 3) if scores else None


def _without_bars(small: npt.NDArray[Any], aspect: float) -> npt.NDArray[Any]:
    """Return the middle part of a thumbnail that has the photo's shape."""
    height, width = small.shape
    if width / height < aspect:
        rows = max(round(width / aspect), 8)
        top = max((height - rows) // 2, 0)
        return small[top : top + rows]
    columns = max(round(height * aspect), 8)
    left = max((width - columns) // 2, 0)
    return small[:, left : left + columns]


def _correlation(small: npt.NDArray[Any], pixels: Pixels) -> float | None:
    height, width = small.shape
    # A much larger photo is subsampled first, as averaging a hundred megapixels takes too long.
    step = max(1, min(pixels.shape[0] // (4 * height), pixels.shape[1] // (4 * width)))
    thin = np.ascontiguousarray(pixels[::step, ::step])
    photo = cv2.resize(thin, (width, height), interpolation=cv2.INTER_AREA).astype(np.float64)
    grey = photo @ np.array([0.299, 0.587, 0.114])
    if grey.std() < 1e-6 or small.std() < 1e-6:
        return None
    return float(np.corrcoef(grey.ravel(), small.astype(np.float64).ravel())[0, 1])
