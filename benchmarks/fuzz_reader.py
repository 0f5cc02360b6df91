"""Mutations of real small files through the isolated reader: no fault of ours, no hang, no unbounded memory.

usage: fuzz_reader.py FILE|FOLDER... --out FOLDER [--count 20000] [--first 0] [--minutes M]

Mutation number n is always the same bytes for the same files: `--first` goes on where a run stopped. What ends in a fault, a
crash of the decoding process or a time-out is kept in --out as NUMBER.bin beside log.jsonl; a table goes to stdout.
"""

import argparse
import json
import resource
import time
from collections import Counter
from pathlib import Path

import numpy as np

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import ReadOptions
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.isolation.reading_process import Limits

LARGEST = 200_000  # bytes of a file that is mutated
ODD = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Return `data` with one to six changes, more often near its start, where headers are."""
    broken = bytearray(data)
    for _ in range(int(rng.integers(1, 7))):
        size = len(broken)
        at = int(size * rng.random() ** (3 if rng.random() < 0.6 else 1)) if size else 0
        length = int(rng.integers(1, 1 + min(64, max(size, 1))))
        what = int(rng.integers(0, 8))
        if what == 0 and size:
            broken[min(at, size - 1)] ^= 1 << int(rng.integers(0, 8))
        elif what == 1:
            broken[at : at + length] = rng.bytes(length)
        elif what == 2:
            width = int(rng.choice([1, 2, 4, 8]))
            value = int(rng.choice(ODD)) & ((1 << 8 * width) - 1)
            broken[at : at + width] = value.to_bytes(width, "big" if rng.random() < 0.5 else "little")
        elif what == 3:
            del broken[at : at + length * 8]
        elif what == 4:
            broken[at:at] = broken[at : at + length]
        elif what == 5:
            broken[at:at] = rng.bytes(length)
        elif what == 6 and size > 1:
            del broken[max(at, 1) :]
        else:
            start = int(rng.integers(0, max(len(other) - length, 1)))
            broken[at : at + length] = other[start : start + length]
    return bytes(broken)


def mutation(number: int, seeds: list[bytes]) -> bytes:
    rng = np.random.default_rng([number, 20])
    return mutated(seeds[number % len(seeds)], seeds[int(rng.integers(0, len(seeds)))], rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--seconds", type=float, default=20.0, help="limit for one file")
    parser.add_argument("--memory-mib", type=int, default=1024)
    args = parser.parse_args()
    paths = sorted(p for f in args.files for p in (f.rglob("*") if f.is_dir() else [f]) if p.is_file())
    seeds = [path.read_bytes() for path in paths if path.stat().st_size <= LARGEST]
    args.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    outcomes: Counter[str] = Counter()
    slowest, number = 0.0, args.first
    options = ReadOptions(max_pixels=50_000_000, provenance=True, compare_decoders=True)
    with (
        IsolatedReader(Limits(args.seconds, args.memory_mib << 20)) as reader,
        (args.out / "log.jsonl").open("a", encoding="ascii") as log,
    ):
        for number in range(args.first, args.count):
            if time.monotonic() - started > 60 * args.minutes:
                break
            data = mutation(number, seeds)
            begun = time.monotonic()
            try:
                photo = reader.read("-", data=data, options=options)
                outcome, message = "whole" if photo.decode.integrity.ok else "damaged, read", ""
                json.dumps([photo.metadata, photo.provenance, photo.decode.comparison], allow_nan=False)
            except InputError as error:
                outcome, message = error.reason, str(error)
            slowest = max(slowest, time.monotonic() - begun)
            outcomes[outcome] += 1
            if outcome.startswith("fault") or outcome in ("decoder crashed", "decoding took too long"):
                (args.out / f"{number}.bin").write_bytes(data)
                log.write(json.dumps({"number": number, "outcome": outcome, "message": message[-400:]}) + "\n")
                log.flush()
        else:
            number += 1
    print(f"{len(seeds)} files; mutations {args.first} to {number - 1}, {sum(outcomes.values())} in all")
    for outcome, count in outcomes.most_common():
        print(f"{count:7} {outcome}")
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(f"{time.monotonic() - started:.0f} s, slowest file {slowest:.1f} s, largest process {largest:.0f} MiB")


if __name__ == "__main__":
    main()
