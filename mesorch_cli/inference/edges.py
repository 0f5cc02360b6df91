"""The edges of a map, moved to edges of the photo.

A network answers in steps of several pixels, so that its map spreads over the outline of what was changed. A guided filter
moves the outline to where the photo has one: within a window, the map becomes a linear function of the colours. Where the
photo has no edge, the map is only smoothed.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.photo import Pixels
from mesorch_cli.inference.fusion import Canvas, sigmoid_in_place, stretched
from mesorch_cli.network.rules import EdgeRule

LARGEST_SIDE = 1024  # pixels; the filter holds some thirty planes of float64
BOUND = 1e-5  # probabilities are kept this far from 0 and 1 before their logit is taken

Plane = NDArray[np.float64]


def move_edges(map_: Canvas, covered: NDArray[np.bool_], pixels: Pixels, rule: EdgeRule) -> None:
    """Move the edges of a map (H, W) of probabilities, in place, to edges of the photo, (H, W, 3) RGB of 8 or 16 bits.

    covered: (H, W), the pixels that a scale covered; the map stays 0 elsewhere.
    """
    height, width = map_.shape
    size = seen_size(height, width, rule)
    colours = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float64)
    logits = _logits(_shrunk(map_, covered, size))
    fitted = guided(colours / np.iinfo(pixels.dtype).max, logits, rule.radius, rule.smoothness).astype(np.float32)
    for first, band in stretched(fitted, height, width):
        rows = np.s_[first : first + len(band)]
        map_[rows] = band
        sigmoid_in_place(map_[rows])
        map_[rows] *= covered[rows]


def seen_size(height: int, width: int, rule: EdgeRule) -> tuple[int, int]:
    """Return the size (width, height) at which the filter sees a photo. A small photo is not enlarged."""
    longest = max(height, width)
    side = min(LARGEST_SIDE, max(rule.long_side, longest / rule.largest_factor))
    factor = min(1.0, side / longest)
    return max(1, round(width * factor)), max(1, round(height * factor))


def guided(colours: Plane, values: Plane, radius: int, smoothness: float) -> Plane:
    """Return values (h, w) filtered under the guidance of colours (h, w, 3) in 0..1.

    radius: of the square window, in pixels. smoothness: variance of colours, as a share of 1, below which a window counts
    as flat. In each window k, a_k = (cov_k + smoothness U)^-1 cov(I, p)_k and b_k = mean(p)_k - a_k mean(I)_k; a pixel gets
    the mean of a_k I + b_k over the windows that it lies in (He, Sun and Tang, "Guided Image Filtering", ECCV 2010,
    equations 14 to 16). At the border, pixels are reflected; the paper leaves them out.
    """
    red, green, blue = mean_colours = [_mean(colours[..., channel], radius) for channel in range(3)]
    mean_values = _mean(values, radius)

    def covariance(first: int, second: int) -> Plane:
        product = _mean(colours[..., first] * colours[..., second], radius)
        return product - mean_colours[first] * mean_colours[second]

    rr, gg, bb = (covariance(channel, channel) + smoothness for channel in range(3))
    rg, rb, gb = covariance(0, 1), covariance(0, 2), covariance(1, 2)
    with_red, with_green, with_blue = (
        _mean(colours[..., channel] * values, radius) - mean_colours[channel] * mean_values for channel in range(3)
    )
    # The symmetric 3 x 3 system by its cofactors.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * c_rr + rg * c_rg + rb * c_rb
    slopes = [
        (c_rr * with_red + c_rg * with_green + c_rb * with_blue) / determinant,
        (c_rg * with_red + c_gg * with_green + c_gb * with_blue) / determinant,
        (c_rb * with_red + c_gb * with_green + c_bb * with_blue) / determinant,
    ]
    offset = mean_values - slopes[0] * red - slopes[1] * green - slopes[2] * blue
    filtered = _mean(offset, radius)
    for channel, slope in enumerate(slopes):
        filtered += _mean(slope, radius) * colours[..., channel]
    return filtered


def _shrunk(map_: Canvas, covered: NDArray[np.bool_], size: tuple[int, int]) -> Plane:
    """Return the map at a size (width, height). Where no scale covered it, it has the value of the nearest covered place."""
    small = np.asarray(cv2.resize(map_, size, interpolation=cv2.INTER_AREA), np.float64)
    if covered.all():
        return small
    share = np.asarray(cv2.resize(covered.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA)) / 255.0
    known = share > 0.5
    if known.any():
        small[known] = np.minimum(small[known] / share[known], 1.0)
        _, nearest = cv2.distanceTransformWithLabels(
            (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        value_of = np.zeros(int(nearest.max()) + 1)
        value_of[nearest[known]] = small[known]
        small = value_of[nearest]
    return small


def _mean(plane: Plane, radius: int) -> Plane:
    """Return the mean over the window around each pixel. In float64, so that running sums leave nothing behind."""
    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(plane, cv2.CV_64F, (side, side), borderType=cv2.BORDER_REFLECT))


def _logits(probabilities: Plane) -> Plane:
    bounded = np.clip(probabilities, BOUND, 1.0 - BOUND)
    return np.asarray(np.log(bounded / (1.0 - bounded)))
