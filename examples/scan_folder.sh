#!/usr/bin/env bash
# A lab's folder scan: every photo of a tree through `mesorch detect`, records in one file, the worst first on screen.
# usage: scan_folder.sh FOLDER RESULTS
set -euo pipefail
folder=$1 results=$2
mkdir -p "$results"
code=0
find "$folder" -type f \( -iname '*.jpg' -o -iname '*.jpeg' -o -iname '*.png' -o -iname '*.tif*' \) -print0 |
  mesorch detect --files-from - --null --json -o "$results/photos" > "$results/records.jsonl" || code=$?
case $code in
  0) ;;
  3) echo "some photos could not be analysed; their records say why" >&2 ;;
  *) echo "mesorch ended with $code" >&2; exit "$code" ;;
esac
python3 - "$results/records.jsonl" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1], encoding="ascii")]
for row in sorted(rows, key=lambda row: -(row["result"]["score"] or 0)):
    print(row["result"]["score"], row["result"]["verdict"], row["input"]["path"], sep="\t")
PY
