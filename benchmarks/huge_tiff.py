"""Time and memory of reading a tiled TIFF of a gigapixel, and, with --detect, of analysing it.

usage: huge_tiff.py FILE [--side 32768] [--detect] [--scales LIST] [--threads 2]

FILE is made where it is not there: side x side pixels of RGB, Deflate tiles of 512. Memory is sampled from the kernel:
"own" is memory that only this process has and that cannot be given back (RssAnon), "resident" also counts pages of
files that the system may drop (VmHWM).
"""

import argparse
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

from mesorch_cli.evidence import ReadOptions
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader, Limits

TILE = 512


def tiles(side: int) -> Iterator[np.ndarray]:
    """Yield tiles of texture and gradient; sixteen of them, taken in turn, so that making the file is quick."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:TILE, :TILE]
    few = [
        np.stack([x * 200 // TILE, y * 200 // TILE, (x + y) * 100 // TILE], -1).astype(np.uint8)
        + rng.integers(0, 8, (TILE, TILE, 3), dtype=np.uint8)
        + np.uint8(3 * number)
        for number in range(16)
    ]
    for number in range((-(-side // TILE)) ** 2):
        yield few[number % len(few)]


class Memory:
    """Samples the memory of processes every so often, until it is left."""

    def __init__(self, pids: list[int]) -> None:
        self.own = dict.fromkeys(pids, 0.0)
        self.resident = dict.fromkeys(pids, 0.0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            for pid in self.own:
                try:
                    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                except OSError:
                    continue
                values = {
                    line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("RssAnon", "VmHWM"))
                }
                self.own[pid] = max(self.own[pid], int(values.get("RssAnon", 0)) / 1024)
                self.resident[pid] = max(self.resident[pid], int(values.get("VmHWM", 0)) / 1024)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--side", type=int, default=32768)
    parser.add_argument("--detect", action="store_true")
    parser.add_argument("--scales")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if not args.file.exists():
        shape = (args.side, args.side, 3)
        options = {"tile": (TILE, TILE), "compression": "zlib", "photometric": "rgb", "metadata": None, "bigtiff": True}
        tifffile.imwrite(
            args.file, tiles(args.side), shape=shape, dtype=np.uint8, compressionargs={"level": 1}, **options
        )
    print(f"{args.file.stat().st_size / 2**20:.0f} MiB of TIFF")
    with IsolatedReader(Limits(seconds=36_000)) as reader:
        reader.start()
        worker = reader._idle[0]._process.pid
        started = time.perf_counter()
        with Memory([worker, os.getpid()]) as memory:
            photo = reader.read(args.file, options=ReadOptions(max_pixels=args.side * args.side))
        seconds = time.perf_counter() - started
    megapixels = photo.decode.width * photo.decode.height / 1e6
    print(f"read: {megapixels:.0f} megapixels in {seconds:.0f} s, sound: {photo.decode.integrity.ok}")
    for pid, name in ((worker, "decoding process"), (os.getpid(), "this process")):
        print(f"  {name}: own {memory.own[pid]:.0f} MiB, resident {memory.resident[pid]:.0f} MiB")
    started = time.perf_counter()
    with Memory([os.getpid()]) as memory:
        total = sum(int(photo.pixels[y : y + TILE].sum(dtype=np.int64)) for y in range(0, args.side, TILE))
    print(f"in windows: {time.perf_counter() - started:.0f} s, sum {total}, own {memory.own[os.getpid()]:.0f} MiB")
    if not args.detect:
        return
    import torch

    from mesorch_cli.inference.backends import TorchBackend
    from mesorch_cli.inference.detector import Detector
    from mesorch_cli.inference.settings import Settings
    from mesorch_cli.network.store import find_weights
    from mesorch_cli.network.weights import load_weights
    from mesorch_cli.report import overlay

    torch.set_num_threads(args.threads)
    weights = load_weights(find_weights())
    settings = Settings.from_passport(weights.passport, scales=args.scales)
    detector = Detector(TorchBackend(weights.network, "cpu", settings.precision), settings)
    started = time.perf_counter()
    with Memory([os.getpid()]) as memory:
        detection = detector.detect(photo.pixels)
        seconds = time.perf_counter() - started
        assert detection.probability is not None
        sizes = [len(picture(detection.probability)) for picture in (overlay.heatmap, lambda p: overlay.mask(p, 0.5))]
    print(f"analysed: {detection.tiles} tiles, {seconds:.0f} s; pictures of {sum(sizes) / 2**20:.0f} MiB")
    print(f"  own {memory.own[os.getpid()]:.0f} MiB, resident {memory.resident[os.getpid()]:.0f} MiB")


if __name__ == "__main__":
    main()
