"""Write `docs/failures.jpg`: forgeries of free photos that the shipped weights find best, and those that they miss.

usage: failures.py      (needs scikit-image; minutes)

The photos are scikit-image's, which training never saw; the forgeries are those of `mesorch forge`, measured by `mesorch
evaluate`, whose contact sheet this is.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from skimage import data

TARGET = Path(__file__).with_name("failures.jpg")
PHOTOS = ("astronaut", "coffee", "rocket", "chelsea")
COUNT, SEED = 60, 7


def tool(*arguments: str) -> None:
    """Run a command of the tool; its errors end this script."""
    subprocess.run([sys.executable, "-m", "mesorch_cli", *arguments, "--quiet"], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        photos, forged, measured = (str(Path(folder) / name) for name in ("photos", "forged", "measured"))
        Path(photos).mkdir()
        for name in PHOTOS:
            Image.fromarray(getattr(data, name)()).save(f"{photos}/{name}.png")
        operations = "splice=3,copy_move=2,removal=2,retouch=2"
        tool("forge", photos, forged, "--count", str(COUNT), "--seed", str(SEED), "--operations", operations)
        tool("evaluate", forged, "--device", "cpu", "-o", measured)
        [sheet] = Path(measured).rglob("*-cases.png")
        Image.open(sheet).convert("RGB").save(TARGET, quality=85)


if __name__ == "__main__":
    main()
