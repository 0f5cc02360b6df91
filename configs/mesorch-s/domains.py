"""Measure what is in a set of photos: sides, formats, quality, sampling, bits per pixel, history. new_rules.py writes it.

usage: domains.py FOLDER ...

FOLDER is a set as `mesorch evaluate` takes it. Printed is, for each, the `domain` that `new_rules.py --domains` puts among
the figures of a set in the passport. All of its photos count, authentic and tampered, as the rates beside a verdict are of
both.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from mesorch_cli.evaluation.datasets import read_dataset
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.domain import KEY, Domain, traits_of


def domain_of(folder: Path) -> Domain:
    """Return what is in a set. Raises InputError for a file that is no photo."""
    return Domain.of([traits_of(read_photo(sample.photo)) for sample in read_dataset(folder).samples])


def with_domain(name: str, figures: Any, folder: Path) -> dict[str, Any]:
    """Return the figures of a set with its domain; SystemExit where there are none, or more photos than in the folder."""
    if not isinstance(figures, dict):
        raise SystemExit(f"The passport has no figures of {name!r}. Evaluate it, and give its run with --figures.")
    domain = domain_of(folder)
    measured = figures["tampered"] + figures["authentic"]
    if domain.photos < measured:
        raise SystemExit(
            f"{folder} has {domain.photos} photos, and the figures of {name!r} are of {measured}: another set."
        )
    return figures | {KEY: domain.model_dump(mode="json")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    args = parser.parse_args()
    for folder in args.folders:
        print(json.dumps({"set": folder.name, KEY: domain_of(folder).model_dump(mode="json")}, indent=1))


if __name__ == "__main__":
    main()
