"""How many files of whole folders the integrity gate calls damaged: false alarms where all of them are sound.

usage: damage_gate.py FOLDER... --out FILE.jsonl [--resume]

One JSON line for each file: source (the folder below FOLDER that it lies in), path, reason where it was refused,
whether it is whole, findings. A table of counts for each source goes to stdout. Nothing is written beside the files.
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from pathlib import Path

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import read_photo


def judged(path: Path, source: str) -> dict[str, object]:
    started = time.perf_counter()
    row: dict[str, object] = {"source": source, "path": str(path)}
    try:
        photo = read_photo(path)
    except InputError as error:
        row |= {"verdict": error.reason, "findings": [str(error)[-300:]]}
    else:
        integrity = photo.decode.integrity
        row |= {
            "verdict": "whole" if integrity.ok else "damaged",
            "format": photo.decode.format,
            "findings": list(integrity.findings),
            "notes": photo.metadata.get("notes", []),
        }
    return row | {"seconds": round(time.perf_counter() - started, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--resume", action="store_true", help="keep what --out holds and go on after it")
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.out.read_text().splitlines()] if args.resume and args.out.exists() else []
    done = {row["path"] for row in rows}
    with args.out.open("a" if args.resume else "w", encoding="ascii") as stream:
        for folder in args.folders:
            for path in sorted(path for path in folder.rglob("*") if path.is_file() and str(path) not in done):
                parts = path.relative_to(folder).parts
                row = judged(path, parts[0] if len(parts) > 1 else folder.name)
                rows.append(row)
                stream.write(json.dumps(row) + "\n")
                stream.flush()
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        table[str(row["source"])][str(row["verdict"])] += 1
    for source, counts in sorted(table.items()):
        print(f"{source:24} {sum(counts.values()):6}  " + ", ".join(f"{n} {v}" for v, n in counts.most_common()))
    total = Counter(str(row["verdict"]) for row in rows)
    print(f"{'in all':24} {len(rows):6}  " + ", ".join(f"{n} {v}" for v, n in total.most_common()))
    print(f"{sum(float(row['seconds']) for row in rows):.0f} s of one process")


if __name__ == "__main__":
    main()
