"""The sources of forgeries: folders of pristine photos, and of objects with masks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evidence.photo import ReadOptions, eight_bits
from mesorch_cli.forge.donors import Donor
from mesorch_cli.forge.patch import Pixels
from mesorch_cli.forge.photos import SoundPhotos

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif", ".jp2"})
MASK_SUFFIX = ".png"
SHORTEST_SIDE = 96  # pixels; smaller photos leave no room for a forgery
MOST_LABELS = 64  # different values in a plane; more mean a matte, the opacity of a soft-edged object
NAMED = 5  # files that a message names
PLANE, CUT_OUT = ReadOptions(indices=True), ReadOptions(alpha=True)


@dataclass(frozen=True)
class Source:
    """A file that was read: its folder and its path below it, the SHA-256 of its bytes, its pixels and objects."""

    root: Path
    path: str
    sha256: str
    donor: Donor
    mask_sha256: str | None = None

    @property
    def file(self) -> Path:
        return self.root / self.path


@dataclass(frozen=True)
class PhotoFolder:
    """A folder of photos, and the paths below it (POSIX, sorted) with names of photos."""

    root: Path
    paths: tuple[str, ...]

    @classmethod
    def of(cls, root: Path) -> "PhotoFolder":
        """List a folder and everything below it. Raises UsageError if it is not a folder or contains no photo."""
        paths = _listed(root)
        if not paths:
            raise UsageError(
                f"There is no photo in {str(root)!r}. Expected files named {', '.join(sorted(SUFFIXES))} in it or "
                "below it."
            )
        return cls(root, paths)

    def read(self, path: str, photos: SoundPhotos) -> Source:
        """Read a photo. Raises InputError if it is damaged, too small or unreadable."""
        photo = photos.read(self.root / path)
        pixels = eight_bits(photo.pixels)
        _check_size(photo.source, pixels)
        return Source(self.root, path, photo.sha256, Donor(pixels))


def _plane_of(photo: Path) -> Path:
    """Return the PNG beside a photo, whatever the case of its suffix. Raises InputError if it is gone."""
    usual = [photo.with_suffix(suffix) for suffix in (MASK_SUFFIX, MASK_SUFFIX.upper())]
    others = (path for path in photo.parent.glob("*") if path.suffix.lower() == MASK_SUFFIX and path.stem == photo.stem)
    found = next((path for path in usual if path.is_file()), None) or min(others, default=None)
    if found is None:
        raise InputError(
            f"The photo {str(photo)!r} has no mask any more. Expected a PNG of the same name beside it: put it back.",
            reason="missing",
        )
    return found


@dataclass(frozen=True)
class ObjectFolder:
    """A folder of objects: photos each with a plane of the same stem as .png, and cut-outs with transparency.

    A plane with one value besides 0 is a mask, one with a few is a label map with 0 as background, one with many a
    matte.
    """

    root: Path
    paths: tuple[str, ...]

    @classmethod
    def of(cls, root: Path) -> "ObjectFolder":
        """List a folder of objects. Raises UsageError if it contains none, or photos without a mask."""
        listed = _listed(root)
        stems = {str(Path(path).with_suffix("")) for path in listed if not path.lower().endswith(MASK_SUFFIX)}
        planes = {
            path for path in listed if path.lower().endswith(MASK_SUFFIX) and str(Path(path).with_suffix("")) in stems
        }
        paths = tuple(path for path in listed if path not in planes)
        covered = {str(Path(path).with_suffix("")) for path in planes}
        bare = [
            path
            for path in paths
            if not path.lower().endswith(MASK_SUFFIX) and str(Path(path).with_suffix("")) not in covered
        ]
        if bare:
            raise UsageError(
                f"{len(bare)} photos in {str(root)!r} have no mask: {', '.join(bare[:NAMED])}. Expected a PNG of the "
                "same name beside each: add them, or move the photos elsewhere."
            )
        if not paths:
            raise UsageError(
                f"There is no object in {str(root)!r}. Expected photos with a PNG mask of the same name beside them, "
                "or cut-outs with transparency as PNG."
            )
        return cls(root, paths)

    def photos_alone(self) -> "ObjectFolder":
        """Return the same folder without its cut-outs, so that only whole photos remain."""
        return ObjectFolder(self.root, tuple(path for path in self.paths if not path.lower().endswith(MASK_SUFFIX)))

    def read(self, path: str, photos: SoundPhotos) -> Source:
        """Read an object. Raises InputError for a file that cannot be read, and for a mask of another size."""
        file = self.root / path
        if path.lower().endswith(MASK_SUFFIX):
            return _cut_out(self.root, path, photos)
        photo = photos.read(file)
        pixels = eight_bits(photo.pixels)
        plane_file = _plane_of(file)
        plane_sha256, values = _plane(plane_file, photos)
        if values.shape != pixels.shape[:2]:
            raise InputError(
                f"The mask {str(plane_file)!r} has {values.shape[1]} x {values.shape[0]} pixels, its photo "
                f"{pixels.shape[1]} x {pixels.shape[0]}. Expected the same size: make it again, or leave both out.",
                reason="mask of another size",
            )
        present = np.flatnonzero(np.bincount(values.ravel()))
        if not present.any():
            raise InputError(
                f"The mask {str(plane_file)!r} is all zero. Expected an object: leave it out.", reason="empty mask"
            )
        if np.count_nonzero(present) == 1:
            donor = Donor(pixels, mask=values > 0)
        elif present.size <= MOST_LABELS:
            donor = Donor(pixels, labels=values.astype(np.int32))
        elif present[-1] <= 255:
            donor = Donor(pixels, alpha=values.astype(np.uint8))
        else:
            raise InputError(
                f"The mask {str(plane_file)!r} has {present.size} values up to {int(present[-1])}. Expected at most "
                f"{MOST_LABELS} labels, or opacities of 8 bits.",
                reason="unreadable mask",
            )
        return Source(self.root, path, photo.sha256, donor, plane_sha256)


def _listed(root: Path) -> tuple[str, ...]:
    if not root.is_dir():
        kind = "is not a folder" if root.exists() else "does not exist"
        raise UsageError(f"{str(root)!r} {kind}. Expected a folder of photos: check the path.")
    found = (path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    photos = (path for path in found if not path.name.startswith("._"))  # side files of macOS
    return tuple(sorted(path.relative_to(root).as_posix() for path in photos))


def _check_size(name: str, pixels: Pixels) -> None:
    height, width = pixels.shape[:2]
    if min(height, width) < SHORTEST_SIDE:
        raise InputError(
            f"{name!r} has {width} x {height} pixels. Expected at least {SHORTEST_SIDE} a side: leave it out.",
            reason="too small",
        )


def _plane(file: Path, photos: SoundPhotos) -> tuple[str, np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """Return the hash of a PNG and its values (H, W): palette indices, grey values, or the brightest colour channel."""
    try:
        photo = photos.read(file, PLANE)
    except InputError as error:
        raise InputError(f"Cannot read the mask {str(file)!r}: {error}", reason="unreadable mask") from error
    return photo.sha256, photo.pixels.max(axis=2).astype(np.int64)


def _cut_out(root: Path, path: str, photos: SoundPhotos) -> Source:
    """Read a PNG with transparency as an object of its own."""
    file = root / path
    photo = photos.read(file, CUT_OUT)
    pixels = eight_bits(photo.pixels)
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else np.full(pixels.shape[:2], 255, np.uint8)
    if not (alpha > 127).any() or (alpha > 127).all():
        raise InputError(
            f"{str(file)!r} has no transparency around an object, and there is no photo of the same name beside it. "
            "Expected a cut-out or a mask of a photo: leave it out.",
            reason="no transparency",
        )
    return Source(root, path, photo.sha256, Donor(np.ascontiguousarray(pixels[..., :3]), alpha=alpha))
