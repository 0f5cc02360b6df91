"""Write the expected records of the example photos: `expected/NAME.json`, without what differs from machine to machine.

usage: make_expected.py      (from anywhere; uses the shipped weights)
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MACHINES_OWN = ("tool", "argv", "timing")


def main() -> None:
    os.chdir(HERE)
    photos = sorted(path.name for path in HERE.glob("*.jpg"))
    command = [sys.executable, "-m", "mesorch_cli", "detect", *photos, "--json", "--no-artefacts", "--device", "cpu"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    (HERE / "expected").mkdir(exist_ok=True)
    for line in lines:
        record = {key: value for key, value in json.loads(line).items() if key not in MACHINES_OWN}
        record["decode"].pop("isolation")  # as far as the system has it
        target = HERE / "expected" / (Path(record["input"]["path"]).stem + ".json")
        target.write_text(json.dumps(record, indent=2) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
