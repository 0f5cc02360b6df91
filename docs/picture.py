"""Write `docs/overlay.png`: an example photo beside what the shipped weights draw over it.

usage: picture.py
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "examples" / "splice.jpg"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "mesorch_cli",
            "detect",
            str(PHOTO),
            "-o",
            folder,
            "--device",
            "cpu",
            "--quiet",
        ]
        subprocess.run(command, check=True, capture_output=True)
        overlay = cv2.imread(str(Path(folder) / PHOTO.name / "overlay.png"))
    photo = cv2.imread(str(PHOTO))
    margin = (overlay.shape[0] - photo.shape[0]) // 2
    sheet = np.full((overlay.shape[0], margin + photo.shape[1] + overlay.shape[1], 3), 255, np.uint8)
    sheet[margin : margin + photo.shape[0], margin : margin + photo.shape[1]] = photo
    sheet[:, margin + photo.shape[1] :] = overlay
    cv2.imwrite(str(ROOT / "docs" / "overlay.png"), sheet)


if __name__ == "__main__":
    main()
