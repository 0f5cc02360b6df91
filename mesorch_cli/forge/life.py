"""A photo's history, step by step. Each step changes the pixels, moves the mask with them, and is recorded."""

from dataclasses import replace

import cv2
import numpy as np

from mesorch_cli.forge.donors import Plane, mask_of
from mesorch_cli.forge.encoding import decoded, drawn_settings, encode_jpeg, encode_webp, fitting
from mesorch_cli.forge.lettering import text_patch
from mesorch_cli.forge.looks import LOOKS, portrait
from mesorch_cli.forge.patch import INTERPOLATIONS, Pixels, Step, chance, drawn

SHORTEST_SIDE = 64  # pixels; no step makes a smaller photo
PORTRAIT_SHARE = 0.5  # of the looks of photos with a known subject
SMALLEST_SUBJECT = 0.03  # share of the photo
BAYER = {"RGGB": ((0, 0), (1, 1)), "BGGR": ((1, 1), (0, 0)), "GRBG": ((0, 1), (1, 0)), "GBRG": ((1, 0), (0, 1))}
_DEMOSAIC = {  # OpenCV names the patterns by their second row and column
    "RGGB": cv2.COLOR_BayerBG2RGB,
    "BGGR": cv2.COLOR_BayerRG2RGB,
    "GRBG": cv2.COLOR_BayerGB2RGB,
    "GBRG": cv2.COLOR_BayerGR2RGB,
}


class Life:
    """A photo with its history so far.

    pixels: (H, W, 3) uint8 RGB at present. plane: mask, labels or alpha (H, W) on the same grid, or None. steps: the
    steps so far. encoded: the file with these pixels, if the last step wrote one, with its `suffix`.
    """

    def __init__(self, rng: np.random.Generator, pixels: Pixels, plane: Plane | None = None) -> None:
        if plane is not None and plane.shape != pixels.shape[:2]:
            raise ValueError(f"a plane of {plane.shape} for pixels of {pixels.shape}")
        self.rng = rng
        self.pixels = pixels
        self.plane = plane
        self.steps: list[Step] = []
        self.encoded: bytes | None = None
        self.suffix = "png"

    def jpeg(self, lowest: int, highest: int, *, full_colour: bool = False, **marks: str | int) -> None:
        """Save as JPEG of a quality in lowest..highest, with `full_colour` as 4:4:4, and open that file."""
        settings = drawn_settings(self.rng, lowest, highest)
        if full_colour:
            settings = replace(settings, subsampling="4:4:4")
        settings = fitting(self.pixels, settings)
        self._saved(encode_jpeg(self.pixels, settings), "jpg", settings.step() | marks)

    def webp(self, lowest: int, highest: int, **marks: str | int) -> None:
        """Save as lossy WebP of a quality in lowest..highest, and open that file."""
        quality = int(self.rng.integers(lowest, highest + 1))
        self._saved(encode_webp(self.pixels, quality), "webp", {"step": "webp", "quality": quality} | marks)

    def resize(self, factor: float, shortest: int = SHORTEST_SIDE, **marks: str | int) -> None:
        """Scale by `factor`, but not below `shortest` pixels a side unless the photo is already smaller."""
        height, width = self.pixels.shape[:2]
        factor = max(factor, min(1.0, shortest / min(height, width)))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        if size == (width, height):
            return
        names = list(INTERPOLATIONS)
        how = names[int(self.rng.integers(len(names)))]
        if factor < 0.75 and chance(self.rng, 0.7):
            how = "area"
        pixels = cv2.resize(self.pixels, size, interpolation=INTERPOLATIONS[how]).astype(np.uint8)
        self._changed(pixels, {"step": "resize", "width": size[0], "height": size[1], "interpolation": how} | marks)
        self.plane = None if self.plane is None else resized_plane(self.plane, size)

    def crop(self, y: int, x: int, height: int, width: int) -> None:
        """Keep a window of the photo."""
        window = np.s_[y : y + height, x : x + width]
        pixels = np.ascontiguousarray(self.pixels[window])
        height, width = pixels.shape[:2]
        self._changed(pixels, {"step": "crop", "y": y, "x": x, "height": height, "width": width})
        if self.plane is not None:
            self.plane = cropped_plane(self.plane, window)

    def shift_grid(self) -> None:
        """Crop 0 to 7 pixels off the top and left, which moves the photo off its old JPEG grid."""
        y, x = (int(shift) for shift in self.rng.integers(0, 8, 2))
        if y or x:
            self.crop(y, x, self.pixels.shape[0] - y, self.pixels.shape[1] - x)

    def noise(self, low: float, high: float) -> None:
        """Add Gaussian noise of a few grey levels."""
        sigma = drawn(self.rng, low, high)
        self._changed(noisy(self.rng, self.pixels, sigma), {"step": "noise", "sigma": sigma})

    def sharpen(self, low: float = 0.2, high: float = 0.9, **marks: str | int) -> None:
        """Sharpen by an unsharp mask."""
        radius, amount = drawn(self.rng, 0.6, 1.6), drawn(self.rng, low, high)
        self._changed(
            sharpened(self.pixels, radius, amount), {"step": "sharpen", "radius": radius, "amount": amount} | marks
        )

    def soften(self) -> None:
        """Blur slightly, like a lens out of focus."""
        sigma = drawn(self.rng, 0.4, 1.2)
        self._changed(cv2.GaussianBlur(self.pixels, (0, 0), sigma).astype(np.uint8), {"step": "soften", "sigma": sigma})

    def tone(self) -> None:
        """Change light and contrast of the whole photo, as in finishing."""
        gamma, contrast = drawn(self.rng, 0.8, 1.25), drawn(self.rng, 0.9, 1.2)
        self._changed(toned(self.pixels, gamma, contrast), {"step": "tone", "gamma": gamma, "contrast": contrast})

    def sensor(self) -> None:
        """Pass through a colour filter array: noise grows with the light, and two colours a pixel are interpolated."""
        pixels, parameters = mosaicked(self.rng, self.pixels, (0.02, 0.35))
        self._changed(pixels, {"step": "sensor"} | parameters)

    def look(self) -> None:
        """Apply the look of a camera or an app to the whole photo; a portrait only if the subject is known."""
        subject = None if self.plane is None else mask_of(self.plane)
        if subject is not None and subject.mean() >= SMALLEST_SUBJECT and chance(self.rng, PORTRAIT_SHARE):
            pixels, parameters = portrait(self.rng, self.pixels, subject)
        else:
            name = list(LOOKS)[int(self.rng.integers(len(LOOKS)))]
            pixels, parameters = LOOKS[name](self.rng, self.pixels)
        self._changed(pixels, {"step": "look"} | parameters)

    def frame(self) -> None:
        """Put a border around the photo, wider on one side, which may hold a caption."""
        height, width = self.pixels.shape[:2]
        border = int(self.rng.integers(0, max(2, min(height, width) // 24)))
        band = max(1, int(self.rng.uniform(0.06, 0.16) * height))
        above = chance(self.rng, 0.5)
        pad = ((border + band * above, border + band * (not above)), (border, border))
        shade = 255 * chance(self.rng, 0.6)
        pixels = np.pad(self.pixels, (*pad, (0, 0)), constant_values=shade)
        step: Step = {"step": "frame", "border": border, "band": band, "above": above, "shade": shade}
        if chance(self.rng, 0.7):
            step |= lettered(self.rng, pixels[:band] if above else pixels[-band:], 255 - shade)
        self._changed(pixels, step)
        self.plane = None if self.plane is None else padded_plane(self.plane, pad)

    def caption(self) -> None:
        """Write a line near the photo's upper or lower border, like agencies, apps and cameras with a date."""
        height = self.pixels.shape[0]
        band = max(12, int(self.rng.uniform(0.03, 0.09) * height))
        above, pixels = chance(self.rng, 0.3), self.pixels.copy()
        shade = 255 * chance(self.rng, 0.75)
        text = lettered(self.rng, pixels[2 : 2 + band] if above else pixels[-2 - band : -2], shade)
        self._changed(pixels, {"step": "caption", "above": above, "band": band, "shade": shade} | text)

    def _saved(self, data: bytes, suffix: str, step: Step) -> None:
        self._changed(decoded(data), step)
        self.encoded, self.suffix = data, suffix

    def _changed(self, pixels: Pixels, step: Step) -> None:
        self.pixels = pixels
        self.steps.append(step)
        self.encoded, self.suffix = None, "png"


def resized_plane(plane: Plane, size: tuple[int, int]) -> Plane:
    """Return a plane at another size (width, height).

    A mask pixel is set if more than half of it was set. Labels keep their numbers, and alpha is interpolated.
    """
    if plane.dtype == np.int32:
        return np.asarray(cv2.resize(plane.astype(np.int32), size, interpolation=cv2.INTER_NEAREST), np.int32)
    smooth = cv2.INTER_AREA if size[0] < plane.shape[1] else cv2.INTER_LINEAR
    scaled = cv2.resize(plane.astype(np.float32), size, interpolation=smooth)
    if plane.dtype == np.bool_:
        return np.asarray(scaled > 0.5)
    return np.asarray(scaled + 0.5, np.uint8)


def cropped_plane(plane: Plane, window: tuple[slice, slice]) -> Plane:
    """Return a window of a plane, of the same type."""
    kept: Plane = np.ascontiguousarray(plane[window])  # type: ignore[assignment]  # the type of a union is lost here
    return kept


def mosaicked(
    rng: np.random.Generator, pixels: Pixels, gains: tuple[float, float], dark: float = 1.0
) -> tuple[Pixels, Step]:
    """Return pixels after a colour filter array, and its parameters.

    Its noise has the variance `dark` + gain * light, with a gain in `gains`.
    """
    pattern = list(BAYER)[int(rng.integers(4))]
    gain = drawn(rng, *gains)
    (red_y, red_x), (blue_y, blue_x) = BAYER[pattern]
    mosaic = pixels[..., 1].astype(np.float32)
    mosaic[red_y::2, red_x::2] = pixels[red_y::2, red_x::2, 0]
    mosaic[blue_y::2, blue_x::2] = pixels[blue_y::2, blue_x::2, 2]
    noise = rng.standard_normal(mosaic.shape, dtype=np.float32)
    mosaic += noise * np.sqrt(mosaic * np.float32(gain) + np.float32(dark))
    raw = np.clip(mosaic + 0.5, 0, 255).astype(np.uint8)
    return cv2.cvtColor(raw, _DEMOSAIC[pattern]).astype(np.uint8), {"pattern": pattern, "gain": gain}


def padded_plane(plane: Plane, pad: tuple[tuple[int, int], tuple[int, int]]) -> Plane:
    """Return a plane with nothing around it, of the same type."""
    wider: Plane = np.pad(plane, pad)  # type: ignore[assignment]  # the type of a union is lost here
    return wider


def lettered(rng: np.random.Generator, band: Pixels, shade: int) -> Step:
    """Write a grey line of random words into a band of a photo, in place. Return its text."""
    height, width = band.shape[:2]
    patch, step = text_patch(rng, min(36, height), max(16, int(width * rng.uniform(0.2, 0.9))))
    opacity = patch.opacity[:height, :width, None]
    y = (height - opacity.shape[0]) // 2
    x = int(rng.integers(0, width - opacity.shape[1] + 1))
    part = band[y : y + opacity.shape[0], x : x + opacity.shape[1]]
    part[...] = np.clip(part * (1 - opacity) + shade * opacity + 0.5, 0, 255).astype(np.uint8)
    return {"text": step["text"]}


def noisy(rng: np.random.Generator, pixels: Pixels, sigma: float) -> Pixels:
    """Return pixels with Gaussian noise of `sigma` grey levels."""
    noise = rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(sigma)
    return np.clip(pixels + noise + 0.5, 0, 255).astype(np.uint8)


def sharpened(pixels: Pixels, radius: float, amount: float) -> Pixels:
    """Return pixels after an unsharp mask."""
    blurred = cv2.GaussianBlur(pixels, (0, 0), radius)
    return cv2.addWeighted(pixels, 1 + amount, blurred, -amount, 0).astype(np.uint8)


def toned(pixels: Pixels, gamma: float, contrast: float) -> Pixels:
    """Return pixels after a power curve and a contrast stretch about middle grey."""
    curve = (np.arange(256) / 255.0) ** gamma
    table = np.clip(((curve - 0.5) * contrast + 0.5) * 255 + 0.5, 0, 255).astype(np.uint8)
    return cv2.LUT(pixels, table).astype(np.uint8)
