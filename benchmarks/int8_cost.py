"""What int8 costs and brings in ONNX Runtime: mask pixels flipped and speed, by the part of the graph that is quantised.

usage: int8_cost.py MODEL.onnx CALIBRATION_FOLDER PHOTO_FOLDER [--count 14] [--calibrate 10]

MODEL.onnx: an fp32 export. Static quantisation per channel (uint8 activations by their range on the calibration photos, int8
weights), and dynamic quantisation of the products with weights. Photos are in turns squashed to 512 x 512 and cut to their
central 512 x 512 pixels. Speed is CPU time of one thread, float32 and int8 in turns, ratio of medians.
"""

import argparse
import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from mesorch_cli.export.parity import logit_of, squashed
from mesorch_cli.export.photos import folder_photos
from mesorch_cli.inference.loading import open_exported

SIDE = 512


def tiles(folder: Path, count: int) -> list[np.ndarray]:
    found = []
    for index, photo in enumerate(list(folder_photos(folder).values())[:count]):
        height, width = photo.shape[:2]
        if index % 2 and min(height, width) >= SIDE:
            y, x = (height - SIDE) // 2, (width - SIDE) // 2
            found.append(np.ascontiguousarray(photo[y : y + SIDE, x : x + SIDE])[None])
        else:
            found.append(squashed(photo, SIDE, SIDE)[None])
    return found


class Reader(CalibrationDataReader):
    def __init__(self, given: list[np.ndarray]) -> None:
        self.left = iter(given)

    def get_next(self) -> dict[str, np.ndarray] | None:
        tile = next(self.left, None)
        return None if tile is None else {"tiles": tile}


def parts(path: Path) -> dict[str, list[str]]:
    """Return the nodes with weights by the part that they belong to; the last three convolutions are the gate's."""
    graph = onnx.load(path).graph
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    convolutions = [
        node.name for node in graph.node if node.op_type == "Conv" and len(weights.get(node.input[1], ())) == 4
    ]
    products = [node.name for node in graph.node if node.op_type == "MatMul" and node.input[1] in weights]
    gate = convolutions[-3:]
    return {
        "the gate's convolutions": gate,
        "products with weights": products,
        "gate and products": gate + products,
        "all convolutions and products": convolutions + products,
    }


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def quantised(model: Path, folder: Path, calibration: list[np.ndarray]) -> Iterator[tuple[str, Path]]:
    path = folder / "int8.onnx"
    quantize_dynamic(model, path, op_types_to_quantize=["MatMul"], per_channel=True)
    yield "products with weights, dynamic", path
    for name, nodes in parts(model).items():
        quantize_static(
            model,
            path,
            Reader(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            nodes_to_quantize=nodes,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        yield name, path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("calibration", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=14)
    parser.add_argument("--calibrate", type=int, default=10)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    limit = logit_of(open_exported(args.model).seal.passport.pixel_threshold)
    looked_at = tiles(args.photos, args.count)
    base = session(args.model)
    wanted = [base.run(None, {"tiles": tile})[0] for tile in looked_at]
    print(
        "| int8 | mask pixels flipped, mean | worst photo | largest logit difference | speed |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, path in quantised(args.model, Path(folder), tiles(args.calibration, args.calibrate)):
            small = session(path)
            flipped, logits, seconds = [], [], {"base": [], "small": []}
            for tile, truth in zip(looked_at, wanted, strict=True):
                started = time.process_time()
                found = small.run(None, {"tiles": tile})[0]
                between = time.process_time()
                base.run(None, {"tiles": tile})
                seconds["small"].append(between - started)
                seconds["base"].append(time.process_time() - between)
                flipped.append(float(((found > limit) != (truth > limit)).mean()))
                logits.append(float(np.abs(found - truth).max()))
            ratio = statistics.median(seconds["base"]) / statistics.median(seconds["small"])
            figures = f"{statistics.mean(flipped):.3%} | {max(flipped):.3%} | {max(logits):.2f} | {ratio:.2f} x"
            print(f"| {name} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
