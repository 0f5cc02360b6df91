"""An exported file from plain ONNX Runtime: one photo in, the probability of manipulation per pixel out.

usage: onnx_one.py MODEL.onnx PHOTO      (MODEL.onnx: `mesorch export --format onnx`)
"""

import json
import sys

import cv2
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
photo = cv2.cvtColor(cv2.imread(sys.argv[2], cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION), cv2.COLOR_BGR2RGB)
side = json.loads(session.get_modelmeta().custom_metadata_map["mesorch.export"])["passport"]["input"]["side"]
tiles = cv2.resize(photo, (side, side))[None]  # any batch, any sides that are multiples of 32
(logits,) = session.run(["logits"], {"tiles": tiles})  # (1, 1, side, side)
probability = 1 / (1 + np.exp(-logits[0, 0]))
y, x = np.unravel_index(probability.argmax(), probability.shape)
print(f"most suspicious at x {x / side:.0%}, y {y / side:.0%} of the photo: {probability.max():.3f}")
