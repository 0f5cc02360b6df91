"""`mesorch forge`: make forgeries with exact masks from pristine photos."""

import os
from pathlib import Path
from typing import Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard
from mesorch_cli.errors import UsageError
from mesorch_cli.files.writing import write_below

SOME_REFUSED = 3
NAMED = 5
SHEET_NAME = "contact.png"


def parsed_shares(text: str, names: tuple[str, ...]) -> tuple[float, ...]:
    """Return shares in the order of `names`, summing to 1, from text such as `splice=3,copy_move` (a bare name: 1)."""
    weights = dict.fromkeys(names, 0.0)
    for entry in text.split(","):
        name, _, number = entry.strip().partition("=")
        try:
            weight = float(number) if number else 1.0
        except ValueError:
            weight = -1.0
        if name not in weights or not 0 <= weight < float("inf"):
            raise UsageError(
                f"Operation {entry.strip()!r} is unknown. Expected names among {', '.join(names)}, each alone or with "
                "=WEIGHT."
            )
        weights[name] = weight
    total = sum(weights.values())
    if total <= 0:
        raise UsageError(f"The operations {text!r} have no weight. Expected at least one above 0.")
    return tuple(weight / total for weight in weights.values())


def forge(
    photos: Annotated[Path, typer.Argument(metavar="PHOTOS", help="Folder of pristine photos, searched to any depth.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New or empty folder for the dataset.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Number of items to make.")] = 100,
    seed: Annotated[int, typer.Option("--seed", "-s", min=0, help="Seed. The same seed gives the same bytes.")] = 0,
    objects: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Objects to paste: PNG cut-outs, or photos each with a PNG mask or label map of the same name.",
        ),
    ] = None,
    object_share: Annotated[
        float, typer.Option(min=0, max=1, help="How often the donor is one of these objects, as a share.")
    ] = 0.6,
    operations: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="splice, copy_move, removal, retouch, in_place, background, authentic; such as `splice=3,copy_move`.",
        ),
    ] = None,
    smallest: Annotated[
        float, typer.Option(help="Smallest forged area as a share of the photo, at least 0.001.")
    ] = 0.001,
    largest: Annotated[float, typer.Option(help="Largest forged area as a share of the photo, at most 0.9.")] = 0.9,
    side: Annotated[int, typer.Option(help="Longest side in pixels. Larger photos are shrunk or cropped.")] = 1024,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. They affect the time, not the bytes. (default: one per core)")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an unfinished or shorter dataset in OUT.")] = False,
    sheet: Annotated[int, typer.Option(min=0, help=f"Also draw this many of the first items in OUT/{SHEET_NAME}.")] = 0,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make forgeries with exact masks from pristine photos.

    OUT gets `Tp` (forged photos), `Gt` (their masks with the same stems, values 0 and 255), `Au` (authentic photos with
    the same processing histories), and `manifest.jsonl`. The manifest gives for each item its sources by SHA-256, the
    operation with all its parameters, the histories of host, donor and result, and the SHA-256 of its files.

    splice pastes from another photo, copy_move from the same one. removal fills a hole. retouch visibly filters,
    letters or warps a region. in_place processes a region (JPEG, resampling, noise, denoising, sharpening, blur, tone,
    demosaicing) and puts it back, often too slightly to be seen. background keeps the objects and replaces everything
    around them.

    Photos of objects with masks also serve as hosts, in 70 % of the items. Most of their objects stay untouched, so
    that an object is no sign of a forgery. A photo that cannot be used (damaged, too small) is named and replaced by
    another one.

    On stdout: with --json, the lines of the manifest. Otherwise the manifest, the number of items and the manifest's
    SHA-256, separated by tabs.

    Exit codes: 0 done, 2 usage, 3 some or all photos could not be used, 130 interrupted (continue with --resume).

    Example: mesorch forge photos forged --count 1000 --seed 7 --objects cutouts
    """
    with guard():
        from mesorch_cli.forge.dataset import MANIFEST, ForgedDataset
        from mesorch_cli.forge.item import ItemSettings
        from mesorch_cli.forge.pools import Pools
        from mesorch_cli.forge.recipe import OPERATIONS, ForgeRecipe
        from mesorch_cli.forge.sheet import contact_sheet
        from mesorch_cli.forge.sources import ObjectFolder, PhotoFolder

        shares = ForgeRecipe().shares if operations is None else parsed_shares(operations, OPERATIONS)
        recipe = ForgeRecipe(shares=shares, area_range=(smallest, largest))
        settings = ItemSettings(seed=seed, longest=side, object_share=object_share, recipe=recipe)
        pools = Pools.of(PhotoFolder.of(photos), None if objects is None else ObjectFolder.of(objects))
        dataset = ForgedDataset(pools, settings, out, resume=resume)
        with console.tile_progress("forging", wanted=not quiet and not as_json) as on_progress:

            def on_item(line: str, done: int, total: int) -> None:
                if as_json:
                    console.write_json_line(line)
                if on_progress is not None:
                    on_progress(done, total)

            made = dataset.make(count, workers=workers or os.cpu_count() or 1, on_item=on_item)
        if sheet:
            write_below(out, SHEET_NAME, contact_sheet(out, dataset.lines[:sheet]))
        if not as_json:
            console.write_data(out / MANIFEST, count, made.manifest_sha256)
        if made.refused:
            named = "; ".join(f"{path!r} ({reason})" for path, reason in made.refused[:NAMED])
            console.say_error(
                f"{len(made.refused)} files could not be used and were replaced by others: {named}. The manifest "
                "lists them as refused. Remove them from the folder."
            )
            raise typer.Exit(SOME_REFUSED)
