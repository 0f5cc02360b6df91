"""One photo in, where and how surely out.

usage: detect_one.py PHOTO
"""

import sys

import mesorch_cli as mesorch

result = mesorch.detect(sys.argv[1])
print(result.verdict, result.score)
for region in result.regions:
    print(f"{region.width} x {region.height} px at x {region.x}, y {region.y}: mean {region.mean:.2f}")
