"""Small pictures for the pages of a case: the photo, the photo under its map at the same size, and thumbnails."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.report.overlay import blended, colours

LONGEST_PREVIEW = 1600  # pixels
LONGEST_THUMBNAIL = 240
QUALITY = 88

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]


def previews(pixels: NDArray[np.unsignedinteger], map_: Map, threshold: float) -> dict[str, bytes]:
    """Return JPEG bytes by file name, in the stored raster. pixels: (H, W, 3) RGB uint8 or uint16."""
    photo = shrunk(pixels, LONGEST_PREVIEW)
    height, width = photo.shape[:2]
    chance = cv2.resize(map_, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    small = shrunk(photo[..., ::-1], LONGEST_THUMBNAIL)
    seen = cv2.resize(chance, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    return {
        "preview.jpg": jpeg(photo),
        "preview_overlay.jpg": jpeg(blended(photo, chance, threshold)),
        "thumbnail.jpg": jpeg(small),
        "thumbnail_map.jpg": jpeg(colours(np.asarray(seen, np.float32))),
    }


def shrunk(pixels: NDArray[np.unsignedinteger], longest: int) -> Picture:
    """Return pixels as BGR uint8 with at most `longest` pixels a side. A small photo keeps its size."""
    height, width = pixels.shape[:2]
    factor = min(1.0, longest / max(height, width))
    small = pixels
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), pixels.dtype)
    if small.dtype == np.uint16:
        small = small // 257
    return np.ascontiguousarray(small[..., ::-1], np.uint8)


def jpeg(picture: Picture) -> bytes:
    """Encode a BGR picture. The same picture gives the same bytes."""
    ok, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not ok:
        raise ValueError(f"a picture of {picture.shape} cannot be encoded as JPEG")
    return data.tobytes()
