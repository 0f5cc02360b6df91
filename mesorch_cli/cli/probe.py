"""`mesorch probe`: find out whether a map reacts to traces of editing or to objects."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard
from mesorch_cli.errors import InputError, OutputError, UsageError
from mesorch_cli.files.writing import require_writable, write_below

if TYPE_CHECKING:
    from mesorch_cli.evaluation.evaluator import Evaluator
    from mesorch_cli.evaluation.probes import Probed
    from mesorch_cli.forge.patch import Pixels
    from mesorch_cli.forge.photos import SoundPhotos
    from mesorch_cli.forge.probe import ProbeSettings
    from mesorch_cli.forge.sources import PhotoFolder

JSON_NAME, TABLES_NAME = "probes.json", "probes.md"
SOME_LEFT_OUT = 3
DONORS_TRIED = 20


def probe(
    photos: Annotated[
        Path | None,
        typer.Argument(metavar="PHOTOS", help="Folder of authentic photos to edit, searched to any depth."),
    ] = None,
    output: options.OutputDir = Path("probes"),
    weights: options.Weights = None,
    count: Annotated[
        int, typer.Option("--count", "-n", min=3, help="Number of photos to edit, drawn with the seed.")
    ] = 30,
    seed: Annotated[int, typer.Option("--seed", "-s", min=0, help="Seed. The same seed gives the same bytes.")] = 0,
    side: Annotated[int, typer.Option(help="Longest side of an edited photo in pixels.")] = 768,
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST|FOLDER",
            help="Forgeries and their originals: a CSV with the columns forgery, original, mask, or a folder with "
            "subfolders of these names.",
        ),
    ] = None,
    objects: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of authentic photos of objects. Needs --object-masks.")
    ] = None,
    object_masks: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of masks of these objects, paired by file stem.")
    ] = None,
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples for the 95 % intervals; 0 for no intervals.")] = 1000,
    device: options.Device = "auto",
    runtime: options.RuntimeName = "auto",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what a map reacts to: traces of editing, foreign content, or objects.

    In each photo, one region is edited in place (JPEG on and off the grid, resampling, noise, blur, denoising,
    sharpening, gamma, demosaicing), replaced by a piece of another photo with the same history, or left alone. Each
    version is saved as PNG, as JPEG of quality 90, and at web size as JPEG of quality 80. The figure is the mean pixel
    AUC of the map, with an interval over photos. The row named `nothing` shows what chance gives for these regions.

    --pairs compares the maps of forgeries with those of their originals. --objects compares the maps of authentic
    photos with the masks of their objects: a map that follows traces reaches .5 there. There is no figure for whole
    photos, because a difference in how the files were saved would be enough to separate them.

    OUT gets `probes.json`, and `probes.md` with tables for a model card.

    Exit codes: 0 done, 2 usage, 3 photos were left out, are too few, or lack a partner, 5 weights missing or
    damaged.

    Example: mesorch probe photos -n 30 -s 7 -o probes
    """
    with guard():
        if photos is None and pairs is None and objects is None:
            raise UsageError("There is nothing to probe. Name a folder of authentic photos, --pairs, or --objects.")
        if (objects is None) != (object_masks is None):
            raise UsageError(
                "--objects and --object-masks belong together. Give both: the photos and the masks of their objects."
            )
        from mesorch_cli.evaluation import probe_output, probe_pairs
        from mesorch_cli.evaluation.datasets import read_folders
        from mesorch_cli.evaluation.entrants import NetworkEntrant
        from mesorch_cli.evaluation.evaluator import Evaluator
        from mesorch_cli.evaluation.probes import edit_cells, object_figure
        from mesorch_cli.evaluation.protocol import Protocol
        from mesorch_cli.forge.probe import IN_PLACE, ProbeSettings
        from mesorch_cli.forge.sources import PhotoFolder
        from mesorch_cli.inference.analysis import Analysis
        from mesorch_cli.inference.detector import Detector

        settings = ProbeSettings(seed, side)
        folder = None if photos is None else PhotoFolder.of(photos)
        listed = [] if pairs is None else probe_pairs.read_pairs(pairs)
        things = None if objects is None else read_folders(objects, object_masks, None)
        analysis = Analysis.load(weights, runtime=runtime)
        passport, sha256 = analysis.weights.passport, analysis.weights.sha256
        entrant = NetworkEntrant(passport.name, sha256, Detector.of(analysis, device))
        evaluator = Evaluator(entrant, Protocol())
        try:
            require_writable(output)
        except OSError as error:
            raise OutputError(
                f"Cannot write to {str(output)!r}: {error.strerror}. Choose another folder with -o."
            ) from error

        left_out: list[tuple[str, str]] = []
        of_pairs = None
        if pairs is not None:
            with console.count_progress("pairs", wanted=not quiet) as on_count:
                of_pairs = probe_pairs.measure_pairs(entrant, listed, bootstrap, on_count)
        cells = []
        if folder is not None:
            probed = edited(evaluator, folder, settings, count, left_out, quiet)
            cells = edit_cells(probed, {"mean of edits in place": list(IN_PLACE)}, bootstrap)
        of_objects = {}
        if things is not None and objects is not None:
            rows = []
            with console.count_progress("photos with objects", wanted=not quiet) as on_count:
                for row, _ in evaluator.run(things.samples, {}):
                    rows.append(row)
                    on_count(len(rows), len(things.samples))
            left_out += [(row.photo, row.reason or row.status) for row in rows if row.status != "analysed"]
            of_objects[objects.name] = object_figure([row for row in rows if row.status == "analysed"], bootstrap)

        probing = probe_output.Probing(
            {"name": passport.name, "version": passport.version, "sha256": sha256},
            {"seed": seed, "side": side, "count": count, "bootstrap": bootstrap}
            | {"backend": entrant.detector.backend.name, "device": str(entrant.detector.backend.device)},
            cells,
            of_pairs,
            of_objects,
            left_out,
        )
        result = probe_output.as_json(probing)
        write_below(output, JSON_NAME, json.dumps(result, indent=1, allow_nan=False).encode() + b"\n")
        write_below(output, TABLES_NAME, probe_output.markdown(probing).encode())
        if as_json:
            console.write_json(result)
        elif not quiet:
            for title, columns, lines in probe_output.tables(probing):
                console.show_table(title, columns, lines)
        for name, reason in left_out:
            console.say_error(f"left out: {name}: {reason}")
        raise typer.Exit(SOME_LEFT_OUT if left_out else 0)


def edited(
    evaluator: "Evaluator",
    folder: "PhotoFolder",
    settings: "ProbeSettings",
    count: int,
    left_out: list[tuple[str, str]],
    quiet: bool,
) -> "list[Probed]":
    """Make the probes of some photos and evaluate them like any other files. Unusable photos are noted."""
    import numpy as np

    from mesorch_cli.evaluation.datasets import Sample
    from mesorch_cli.evaluation.probes import Probed, require_photos, unprobed
    from mesorch_cli.forge.encoding import encode_png
    from mesorch_cli.forge.photos import SoundPhotos
    from mesorch_cli.forge.probe import host_of, probes

    require_photos(len(folder.paths), f"photos in {str(folder.root)!r}")
    order = [folder.paths[place] for place in np.random.default_rng(settings.seed).permutation(len(folder.paths))]
    found: list[Probed] = []
    done, sound = 0, SoundPhotos()
    with console.count_progress("photos", wanted=not quiet) as on_count:
        for place, path in enumerate(order):
            if done == min(count, len(order)):
                break
            try:
                host = host_of(folder.read(path, sound).donor.pixels, settings)
                donor = _donor(folder, order[place + 1 :] + order[:place], host, sound)
            except InputError as error:
                left_out.append((path, error.reason))
                continue
            with TemporaryDirectory(prefix="mesorch-probe-") as name:
                for number, one in enumerate(probes(host, donor, settings, place)):
                    photo, mask = f"{number}.{one.suffix}", f"{number}-mask.png"
                    write_below(Path(name), photo, one.data, durable=False)
                    write_below(Path(name), mask, encode_png(one.mask.astype(np.uint8) * 255), durable=False)
                    sample = Sample(Path(name, photo), Path(name, mask), one.kind)
                    found.append(Probed(one.kind, one.saving, place, evaluator.outcome(sample)))
            done += 1
            on_count(done, min(count, len(order)))
    left_out += [(order[place], "one of its probes could not be analysed") for place in sorted(unprobed(found))]
    require_photos(done, f"photos in {str(folder.root)!r} can be edited")
    return found


def _donor(folder: "PhotoFolder", others: list[str], host: "Pixels", sound: "SoundPhotos") -> "Pixels":
    """Return the first of these photos that is large enough to be a donor. Raises InputError if there is none."""
    from mesorch_cli.forge.probe import donor_of

    for path in others[:DONORS_TRIED]:
        try:
            donor = donor_of(folder.read(path, sound).donor.pixels, host)
        except InputError:
            continue  # it is named when its own turn comes
        if donor is not None:
            return donor
    raise InputError(
        f"None of {min(len(others), DONORS_TRIED)} other photos in {str(folder.root)!r} is large enough to serve as a "
        "donor. Expected photos of about the same size: add more.",
        reason="no other photo is large enough",
    )
