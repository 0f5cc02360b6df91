"""The engine from Python: one photo in, where and how surely out.

usage: detect_one.py PHOTO
"""

import sys

from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.store import find_weights
from mesorch_cli.network.weights import load_weights

weights = load_weights(find_weights())
settings = Settings.from_passport(weights.passport)
detector = Detector(TorchBackend(weights.network, "auto", settings.precision), settings)

photo = read_photo(sys.argv[1])
if not photo.decode.integrity.ok:
    raise SystemExit(f"damaged: {photo.decode.integrity.findings}")
detection = detector.detect(photo.pixels)
print(detection.verdict, detection.score)
for region in detection.regions:
    print(f"{region.width} x {region.height} px at x {region.x}, y {region.y}: mean {region.mean:.2f}")
