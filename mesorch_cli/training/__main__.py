"""Train from a TOML file: `python -m mesorch_cli.training CONFIG.toml RUN_FOLDER`."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mesorch_cli.errors import MesorchError
from mesorch_cli.training.config import read_config
from mesorch_cli.training.trainer import Progress, Trainer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    try:
        config = read_config(args.config)
        args.folder.mkdir(parents=True, exist_ok=True)
        with (args.folder / "metrics.jsonl").open("a", encoding="utf-8") as metrics:

            def report(progress: Progress) -> None:
                line = json.dumps(asdict(progress))
                metrics.write(line + "\n")
                metrics.flush()
                sys.stderr.write(line + "\n")

            Trainer(config, args.folder).run(report)
    except MesorchError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
