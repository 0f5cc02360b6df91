"""Baselines that weights must beat: maps that ignore the content of the photo, and classical detectors.

Each takes a photo, (H, W, 3) RGB uint8 in its stored raster, and returns a map, (H, W) float32 in 0..1, larger where
manipulation is more likely. A map ranks pixels. It has no threshold, score or verdict.
"""

import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mesorch_cli.errors import UsageError

CENTRE_DEVIATION = 1 / 4  # of a side
BLOB_DEVIATION = 1 / 16  # of the long side
ELA_QUALITY = 90
ELA_BLUR = 0.01  # of the long side: neighbouring pixels vote, as in an examiner's eye
SALIENCY_SIDE = 64  # pixels, as published
NOISE_BLOCK = 32  # pixels
SIFT_POINTS = 4000  # strongest key points of a photo
SIFT_RATIO = 0.6  # of the distance to the next best match, as a repeated pattern has many equal matches
SIFT_APART = 16  # pixels between a point and its match

Rgb = NDArray[np.uint8]
Map = NDArray[np.float32]


@dataclass(frozen=True)
class Baseline:
    """A map and its name on the command line. about: what it marks, for people. version: rises when its map changes."""

    name: str
    about: str
    map_of: Callable[[Rgb], Map]
    version: int = 1


def constant(rgb: Rgb) -> Map:
    """Mark every pixel alike."""
    return np.ones(rgb.shape[:2], np.float32)


def random_blobs(rgb: Rgb) -> Map:
    """Return smooth noise with blobs an eighth of the photo wide, the same for all photos of one size."""
    noise = np.random.default_rng(0).standard_normal(rgb.shape[:2]).astype(np.float32)
    return scaled(_blurred(noise, max(1.0, max(rgb.shape[:2]) * BLOB_DEVIATION)))


def centre_prior(rgb: Rgb) -> Map:
    """Mark the middle: a Gaussian with a deviation of a quarter of each side."""
    rows, columns = (
        np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (side * CENTRE_DEVIATION)) ** 2) for side in rgb.shape[:2]
    )
    return np.outer(rows, columns).astype(np.float32)


def error_level(rgb: Rgb) -> Map:
    """Mark what changes most when the photo is saved once more as JPEG of quality 90 (Krawetz, Black Hat 2007)."""
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "JPEG", quality=ELA_QUALITY)
    again = np.asarray(Image.open(data).convert("RGB"))
    difference: Map = np.abs(rgb.astype(np.float32) - again).max(axis=2)
    smooth = _blurred(difference, max(1.0, ELA_BLUR * max(rgb.shape[:2])))
    return (smooth / max(float(smooth.max()), 1e-6)).astype(np.float32)


def saliency(rgb: Rgb) -> Map:
    """Mark salient parts: the spectral residual (Hou and Zhang, CVPR 2007, section 2), computed at 64 x 64 pixels."""
    height, width = rgb.shape[:2]
    small = cv2.resize(_grey(rgb), (SALIENCY_SIDE, SALIENCY_SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    spectrum = np.fft.fft2(small)
    log_amplitude = np.log(np.abs(spectrum) + 1e-9)
    residual = log_amplitude - cv2.blur(log_amplitude, (3, 3))
    found = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    found = cv2.GaussianBlur(found, (0, 0), 2.5)
    return scaled(cv2.resize(found, (width, height)).astype(np.float32))


def centre_saliency(rgb: Rgb) -> Map:
    """Mark salient parts in the middle."""
    return scaled(centre_prior(rgb) * saliency(rgb))


def centre_error_level(rgb: Rgb) -> Map:
    """Mark what changes most in the middle when the photo is saved once more."""
    return scaled(centre_prior(rgb) * error_level(rgb))


def block_noise(rgb: Rgb) -> Map:
    """Mark blocks whose noise differs from the photo's, by the log of the median diagonal detail of 32 x 32 pixels.

    After Mahdian and Saic, "Using noise inconsistencies for blind image forensics", Image and Vision Computing 2009.
    """
    grey = _grey(rgb).astype(np.float32)
    detail = np.abs(grey[:-1, :-1] - grey[1:, :-1] - grey[:-1, 1:] + grey[1:, 1:])
    if not detail.size:
        return np.zeros(rgb.shape[:2], np.float32)
    rows, columns = max(1, detail.shape[0] // NOISE_BLOCK), max(1, detail.shape[1] // NOISE_BLOCK)
    medians = [
        [float(np.median(part)) for part in np.array_split(band, columns, axis=1)]
        for band in np.array_split(detail, rows, axis=0)
    ]
    level = np.log1p(np.array(medians))
    away = np.abs(level - np.median(level)).astype(np.float32)
    return scaled(cv2.resize(away, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR).astype(np.float32))


def self_match(rgb: Rgb) -> Map:
    """Mark where the photo repeats itself: SIFT key points with a close match elsewhere, as blurred discs.

    After Amerini et al., "A SIFT-based forensic method for copy-move attack detection", IEEE TIFS 2011.
    """
    heat = np.zeros(rgb.shape[:2], np.float32)
    side = max(rgb.shape[:2])
    points, descriptors = cv2.SIFT.create(SIFT_POINTS).detectAndCompute(_grey(rgb), None)
    if descriptors is not None and len(points) > 3:
        for found in cv2.BFMatcher().knnMatch(descriptors, descriptors, k=4):
            others = [one for one in found if one.queryIdx != one.trainIdx]
            for near, next_near in itertools.pairwise(others):
                here, there = points[near.queryIdx].pt, points[near.trainIdx].pt
                apart = np.hypot(here[0] - there[0], here[1] - there[1])
                if apart > SIFT_APART and near.distance < SIFT_RATIO * next_near.distance:
                    for x, y in (here, there):
                        cv2.circle(heat, (round(x), round(y)), max(4, side // 60), 1.0, -1)
                    break
    return scaled(_blurred(heat, max(2.0, side / 80)))


def scaled(values: Map) -> Map:
    """Stretch to 0..1; a flat map becomes 0."""
    low, high = float(values.min()), float(values.max())
    return ((values - low) / (high - low) if high > low else np.zeros_like(values)).astype(np.float32)


def _grey(rgb: Rgb) -> Rgb:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def _blurred(values: Map, deviation: float) -> Map:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), deviation), np.float32)


BASELINES = {
    one.name: one
    for one in (
        Baseline("constant", "every pixel alike", constant),
        Baseline("random-blobs", "smooth noise", random_blobs),
        Baseline("centre-prior", "the middle of the photo", centre_prior),
        Baseline("centre-saliency", "what stands out in the middle", centre_saliency),
        Baseline("centre-ela", "error-level analysis in the middle", centre_error_level),
        Baseline("ela", "error-level analysis: what a further JPEG save changes", error_level),
        Baseline("block-noise", "blocks with another noise than the photo", block_noise),
        Baseline("self-match", "SIFT key points that match each other", self_match),
    )
}
ALL = "all"


def parse_baselines(text: str) -> tuple[Baseline, ...]:
    """Return the baselines that a comma list names, or `all`. Raises UsageError for an unknown or repeated name."""
    names = [name.strip() for name in text.split(",")]
    if names == [ALL]:
        return tuple(BASELINES.values())
    for name in names:
        if name not in BASELINES:
            raise UsageError(f"Unknown baseline {name!r}. Expected {ALL}, or a comma list of {', '.join(BASELINES)}.")
    if len(set(names)) < len(names):
        raise UsageError(f"A baseline is named twice in {text!r}. Name each only once.")
    return tuple(BASELINES[name] for name in names)
