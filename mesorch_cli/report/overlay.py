"""The three pictures of a result: overlay for people, heat map and mask for programs. All are PNG bytes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.storage import allocate
from mesorch_cli.inference.fusion import bands

LONGEST_OVERLAY = 2048  # pixels; the heat map keeps the photo's own size
SHORTEST_OVERLAY = 320  # pixels of the long side; smaller photos are enlarged, or the bar beside them could not be read
BAR_WIDTH = 28
BAR_GAP = 14
LABEL_WIDTH = 62
MARGIN = 16
MOST_OPAQUE = 0.75  # of the colour where the probability is 1
CONTOUR = (255, 255, 255)
INK = (32, 32, 32)
PAPER = 255
FONT = cv2.FONT_HERSHEY_SIMPLEX
WHITE16 = 65535

Probability = NDArray[np.float32]
Picture = NDArray[np.uint8]


def png(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Encode a grey or BGR picture as PNG; the same picture gives the same bytes."""
    ok, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    if not ok:
        raise ValueError(f"a picture of {picture.shape} {picture.dtype} cannot be encoded as PNG")
    return data.tobytes()


def heatmap(probability: Probability) -> bytes:
    """Return the probability map at the photo's size as 16-bit grey: value = round(probability * 65535)."""
    scaled = allocate(probability.shape, np.uint16)
    for rows in bands(*probability.shape):
        scaled[rows] = np.rint(probability[rows] * np.float32(WHITE16))
    return png(scaled)


def mask(probability: Probability, threshold: float) -> bytes:
    """Return the pixels with probability > threshold as 255, the others as 0, at the photo's size."""
    above = np.greater(probability, np.float32(threshold), out=allocate(probability.shape, np.bool_)).view(np.uint8)
    above *= np.uint8(255)
    return png(above)


def colours(values: Probability) -> Picture:
    """Map 0..1 to BGR by the inferno map: dark to bright in even steps, readable without telling red from green."""
    levels = np.rint(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), np.uint8)


def opacity_of(values: Probability) -> NDArray[np.float32]:
    """Return how much of the map's colour covers the photo, (H, W, 1): nothing at 0, most at 1."""
    return np.asarray((MOST_OPAQUE * np.sqrt(np.clip(values, 0, 1)))[..., None], np.float32)


def overlay(pixels: NDArray[np.unsignedinteger], probability: Probability, threshold: float) -> bytes:
    """Return the photo in grey with the map over it, the threshold's contour, and a colour bar of the fixed range 0..1.

    pixels: (H, W, 3) RGB uint8 or uint16. The photo is shown in its stored raster, on LONGEST_OVERLAY pixels at most.
    """
    height, width = probability.shape
    factor = min(1.0, LONGEST_OVERLAY / max(height, width))
    factor = max(factor, min(SHORTEST_OVERLAY / max(height, width), 8.0))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = cv2.resize(pixels, size, interpolation=how)
    if small.dtype == np.uint16:
        small = (small // 257).astype(np.uint8)
    chance = cv2.resize(probability, size, interpolation=how).astype(np.float32)

    grey = cv2.cvtColor(cv2.cvtColor(small.astype(np.uint8), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2BGR)
    opacity = opacity_of(chance)
    blended = grey * (1 - opacity) + colours(chance) * opacity
    picture = np.rint(blended).astype(np.uint8)
    contours, _ = cv2.findContours((chance > threshold).view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    thickness = max(1, round(max(size) / 700))
    cv2.drawContours(picture, contours, -1, INK, thickness + 2)
    cv2.drawContours(picture, contours, -1, CONTOUR, thickness)
    return png(beside_bar(picture, threshold))


def beside_bar(picture: Picture, threshold: float) -> Picture:
    """Put a picture on white paper with the colour bar at its right: 0, 1 and the threshold are marked."""
    bar_height = max(picture.shape[0], 160)
    height = bar_height + 2 * MARGIN
    width = MARGIN + picture.shape[1] + BAR_GAP + BAR_WIDTH + LABEL_WIDTH
    sheet = np.full((height, width, 3), PAPER, np.uint8)
    sheet[MARGIN : MARGIN + picture.shape[0], MARGIN : MARGIN + picture.shape[1]] = picture

    left = MARGIN + picture.shape[1] + BAR_GAP
    ramp = np.linspace(1, 0, bar_height, dtype=np.float32)[:, None]
    sheet[MARGIN : MARGIN + bar_height, left : left + BAR_WIDTH] = colours(np.repeat(ramp, BAR_WIDTH, axis=1))
    cv2.rectangle(sheet, (left - 1, MARGIN - 1), (left + BAR_WIDTH, MARGIN + bar_height), INK, 1)
    labels = {0.0: "0", 1.0: "1"}
    if 0.06 < threshold < 0.94:
        labels[threshold] = f"> {threshold:.2f}"
    for value, text in labels.items():
        y = MARGIN + round((1 - value) * (bar_height - 1))
        cv2.line(sheet, (left + BAR_WIDTH - 6, y), (left + BAR_WIDTH + 4, y), INK, 1)
        cv2.putText(sheet, text, (left + BAR_WIDTH + 8, y + 5), FONT, 0.45, INK, 1, cv2.LINE_AA)
    return sheet
