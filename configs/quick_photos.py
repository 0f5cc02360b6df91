"""Save a handful of free photos, for training and for validation, as `configs/quick.toml` names them.

usage: quick_photos.py      (writes ./quick-photos)
"""

from pathlib import Path

from PIL import Image
from skimage import data

FOLDERS = {"train": ("astronaut", "coffee", "rocket"), "validation": ("chelsea",)}


def main() -> None:
    for folder, names in FOLDERS.items():
        place = Path("quick-photos") / folder
        place.mkdir(parents=True, exist_ok=True)
        for name in names:
            photo = Image.fromarray(getattr(data, name)())
            photo.thumbnail((400, 400))
            photo.save(place / f"{name}.png")


if __name__ == "__main__":
    main()
