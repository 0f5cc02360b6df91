"""Give weights of before 2026-11-26 the checksum of their passport; tensors and all other values stay as they are.

usage: add_checksum.py OLD.safetensors OUT

OUT gets the weights, SHA256SUMS and, where the card lies beside OLD, the card with the new SHA-256.
"""

import argparse
from pathlib import Path

from mesorch_cli.network.store import record_sum
from mesorch_cli.network.weights import add_checksum, read_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / args.old.name
    _, _, before = read_file(args.old)
    card = args.old.with_suffix(".md")
    text = card.read_text(encoding="utf-8") if card.is_file() else None
    sha256 = add_checksum(args.old, target)
    record_sum(target, sha256)
    if text is not None:
        target.with_suffix(".md").write_text(text.replace(before, sha256), encoding="utf-8")
    print(f"{target}\t{sha256}")


if __name__ == "__main__":
    main()
