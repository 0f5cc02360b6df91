"""Floors that every localiser should be printed beside: maps that know nothing, and classical detectors."""

import io
import itertools

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ERROR_LEVEL_QUALITY = 90
ERROR_LEVEL_BLUR = 0.01  # of the long side: neighbours vote, as an examiner's eye does
NOISE_BLOCK = 32  # pixels
SIFT_POINTS = 4000  # strongest key points of a photo
SIFT_RATIO = 0.6  # of the distance to the next best match: a repeated pattern has many equal ones
SIFT_APART = 16  # pixels between a point and its second self


def ones(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Everything is equally suspicious."""
    return np.ones(rgb.shape[:2], np.float32)


def centre(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The middle is suspicious: a Gaussian with a deviation of a quarter of each side, (H, W) in 0..1."""
    height, width = rgb.shape[:2]
    y = np.exp(-0.5 * ((np.arange(height) - (height - 1) / 2) / (height / 4)) ** 2)
    x = np.exp(-0.5 * ((np.arange(width) - (width - 1) / 2) / (width / 4)) ** 2)
    return np.outer(y, x).astype(np.float32)


def error_level(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much each place changes when the photo is saved once more as JPEG of quality 90, (H, W) in 0..1."""
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "JPEG", quality=ERROR_LEVEL_QUALITY)
    again = np.asarray(Image.open(data).convert("RGB"))
    difference = np.abs(rgb.astype(np.float32) - again).max(axis=2)
    smooth = cv2.GaussianBlur(difference, (0, 0), max(1.0, ERROR_LEVEL_BLUR * max(rgb.shape[:2])))
    return (smooth / max(float(smooth.max()), 1e-6)).astype(np.float32)


def blurred_noise(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Smooth chance: blobs an eighth of the photo wide, the same for photos of one size."""
    height, width = rgb.shape[:2]
    noise = np.random.default_rng(0).standard_normal((height, width)).astype(np.float32)
    return scaled(cv2.GaussianBlur(noise, (0, 0), max(1.0, max(height, width) / 16)))


def saliency(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what stands out: spectral residual (Hou and Zhang, CVPR 2007), found at 64 pixels, (H, W) in 0..1."""
    height, width = rgb.shape[:2]
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA).astype(np.float64)
    spectrum = np.fft.fft2(grey)
    log_amplitude = np.log(np.abs(spectrum) + 1e-9)
    residual = log_amplitude - cv2.blur(log_amplitude, (3, 3))
    found = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    found = cv2.GaussianBlur(found, (0, 0), 2.5)
    return scaled(cv2.resize(found, (width, height)).astype(np.float32))


def centre_saliency(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What stands out in the middle is suspicious."""
    return scaled(centre(rgb) * saliency(rgb))


def centre_error_level(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What changes most in the middle is suspicious."""
    return scaled(centre(rgb) * error_level(rgb))


def block_noise(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far the noise of each 32-pixel block is from the photo's: median absolute diagonal detail, in logarithms."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = np.abs(grey[:-1, :-1] - grey[1:, :-1] - grey[:-1, 1:] + grey[1:, 1:])
    rows, columns = max(1, detail.shape[0] // NOISE_BLOCK), max(1, detail.shape[1] // NOISE_BLOCK)
    level = np.array(
        [
            [float(np.median(part)) for part in np.array_split(band, columns, axis=1)]
            for band in np.array_split(detail, rows, axis=0)
        ]
    )
    level = np.log1p(level)
    away = np.abs(level - np.median(level)).astype(np.float32)
    return scaled(cv2.resize(away, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR))


def self_match(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Where the photo repeats itself: SIFT key points with a close second self elsewhere, drawn as discs and blurred."""
    height, width = rgb.shape[:2]
    heat = np.zeros((height, width), np.float32)
    points, descriptors = cv2.SIFT_create(SIFT_POINTS).detectAndCompute(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), None)
    if descriptors is not None and len(points) > 3:
        for found in cv2.BFMatcher().knnMatch(descriptors, descriptors, k=4):
            others = [one for one in found if one.queryIdx != one.trainIdx]
            for near, next_near in itertools.pairwise(others):
                here, there = points[near.queryIdx].pt, points[near.trainIdx].pt
                apart = np.hypot(here[0] - there[0], here[1] - there[1])
                if apart > SIFT_APART and near.distance < SIFT_RATIO * next_near.distance:
                    for x, y in (here, there):
                        cv2.circle(heat, (round(x), round(y)), max(4, max(height, width) // 60), 1.0, -1)
                    break
    return scaled(cv2.GaussianBlur(heat, (0, 0), max(2.0, max(height, width) / 80)))


def scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stretch to 0..1; a flat map becomes 0."""
    low, high = float(values.min()), float(values.max())
    return ((values - low) / (high - low) if high > low else np.zeros_like(values)).astype(np.float32)


FLOORS = {
    "all ones": ones,
    "blurred noise": blurred_noise,
    "centre prior": centre,
    "centre prior x saliency": centre_saliency,
    "centre prior x error level": centre_error_level,
    "error-level analysis": error_level,
    "blockwise noise": block_noise,
    "SIFT self-matches": self_match,
}
