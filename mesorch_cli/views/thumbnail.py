"""The thumbnail that the file embeds, beside the photo at the same size."""

import cv2
import numpy as np

from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.views.settings import ViewSettings
from mesorch_cli.views.view import Picture, Source

HEIGHT = 480  # pixels of both pictures
WIDEST = 1600  # pixels of one of them
GAP = 16


class Thumbnail:
    """The photo, shrunk to the size of the embedded thumbnail, and the thumbnail."""

    name = "thumbnail"
    title = "Embedded thumbnail"
    shows = (
        "Left: the photo, shrunk to the size of the thumbnail. Right: the thumbnail that the file embeds. Cameras write "
        "it when the photo is taken, and some programs keep it when they change the photo."
    )
    cannot = (
        "Most programs write a new thumbnail or remove it, so two equal pictures show nothing. A crop, a rotation or a "
        "change of tone also makes them differ."
    )

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        if source.thumbnail is None:
            return "The file has no embedded thumbnail, or one that cannot be decoded."
        return None

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        assert source.thumbnail is not None
        small = eight_bits(source.thumbnail.pixels)
        height = small.shape[0]
        whole = source.photo.pixels
        across = max(1, round(height * whole.shape[1] / whole.shape[0]))
        shrunk = cv2.resize(whole, (across, height), interpolation=cv2.INTER_AREA).astype(whole.dtype, copy=False)
        both = [_enlarged(eight_bits(shrunk)), _enlarged(small)]
        gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
        return np.ascontiguousarray(np.hstack([both[0], gap, both[1]])[..., ::-1])


def _enlarged(picture: Picture) -> Picture:
    """Return a picture of HEIGHT rows. Pixels stay squares where it grows."""
    height, width = picture.shape[:2]
    across = min(WIDEST, max(1, round(width * HEIGHT / height)))
    how = cv2.INTER_NEAREST if height < HEIGHT else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, (across, HEIGHT), interpolation=how), np.uint8)
