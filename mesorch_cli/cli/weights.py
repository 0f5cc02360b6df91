"""`mesorch weights`: which weights there are, what they are, bringing in published ones, checking them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard

app = typer.Typer(no_args_is_help=True, help="List, describe, import and verify weights.")

Which = Annotated[str | None, typer.Argument(metavar="NAME|FILE", help="Weights by name or file. (default: mesorch-s)")]


@app.command("list")
def list_all(as_json: options.Json = False) -> None:
    """List the weights that a name can mean: shipped with the tool, or imported.

    Example: mesorch weights list
    """
    with guard(printing=True):
        from mesorch_cli.network.store import list_weights
        from mesorch_cli.network.weights import read_passport

        rows = []
        for stored in list_weights():
            passport = read_passport(stored.path)
            rows.append(
                {
                    "name": stored.name,
                    "network": passport.network.name,
                    "version": passport.version,
                    "origin": stored.origin,
                    "licence": passport.licence,
                    "path": str(stored.path),
                }
            )
        if as_json:
            for row in rows:
                console.write_json(row)
        else:
            columns = ["name", "network", "version", "origin", "licence"]
            console.show_table("weights", columns, [[row[column] for column in columns] for row in rows])


@app.command()
def info(which: Which = None, as_json: options.Json = False) -> None:
    """Show the passport of weights: network, defaults, training, figures, licence, limits.

    Example: mesorch weights info mesorch-s --json
    """
    with guard(printing=True):
        from mesorch_cli.inference.loading import open_exported
        from mesorch_cli.network.store import EXPORTED_SUFFIXES, file_sha256, resolve
        from mesorch_cli.network.weights import read_passport

        stored = resolve(which)
        if stored.path.suffix in EXPORTED_SUFFIXES:
            passport = open_exported(stored.path).weights.passport
        else:
            passport = read_passport(stored.path)
        values = json.loads(passport.to_json())
        values |= {"path": str(stored.path), "sha256": file_sha256(stored.path)}
        if as_json:
            console.write_json(values)
        else:
            rows = [
                [key, value if isinstance(value, str) else json.dumps(value, indent=1)] for key, value in values.items()
            ]
            console.show_table(stored.name, ["field", "value"], rows)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE.pth", help="A published checkpoint of Mesorch or Mesorch-P.")],
    name: Annotated[str | None, typer.Option(help="Name for later. (default: the network's)")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the weights, for the passport.")] = None,
    network: Annotated[str | None, typer.Option(help="Refuse anything but this: mesorch or mesorch-p.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace imported weights of the same name.")] = False,
    as_json: options.Json = False,
) -> None:
    """Bring in a published checkpoint: read without running its code, check every tensor, write safetensors.

    Example: mesorch weights import mesorch-98.pth
    """
    with guard():
        from mesorch_cli.errors import UsageError
        from mesorch_cli.network import store
        from mesorch_cli.network.importing import import_checkpoint, read_checkpoint, recognise

        chosen = name or recognise(read_checkpoint(source), source).name
        if chosen != Path(chosen).name or chosen.startswith("."):
            raise UsageError(f"The name {chosen!r}: expected a plain word such as mesorch-98.")
        taken = {stored.name: stored for stored in store.list_weights()}
        if chosen in taken and (taken[chosen].origin == "shipped" or not replace):
            raise UsageError(
                f"Weights named {chosen!r} are there already ({taken[chosen].path}). Give another --name"
                + ("." if taken[chosen].origin == "shipped" else ", or --replace.")
            )
        folder = store.imported_folder()
        folder.mkdir(parents=True, exist_ok=True)
        imported = import_checkpoint(
            source, folder / f"{chosen}{store.SUFFIX}", name=chosen, licence=licence, expect=network
        )
        store.record_sum(imported.path, imported.sha256)
        if as_json:
            values = {"name": chosen, "network": imported.config_name, "path": str(imported.path)}
            console.write_json(values | {"sha256": imported.sha256, "dropped": list(imported.dropped)})
        else:
            console.write_data(chosen, imported.config_name, imported.sha256, imported.path)
            if imported.dropped:
                console.say(f"left out, as this network does not use them: {len(imported.dropped)} tensors")


@app.command()
def verify(which: Which = None, as_json: options.Json = False) -> None:
    """Check weights: file hash against SHA256SUMS, tensors against the passport's seal, every tensor in its place.

    Of an exported file: its graph against the passport's seal, and every file against the sidecar.

    Example: mesorch weights verify mesorch-s
    """
    with guard():
        from mesorch_cli.inference.loading import open_weights
        from mesorch_cli.network.store import resolve

        loaded = open_weights(which).weights
        recorded = resolve(which).recorded_sha256 is not None
        if as_json:
            values = {"name": loaded.passport.name, "sha256": loaded.sha256, "recorded": recorded, "ok": True}
            console.write_json(values)
        else:
            note = "" if recorded else " (no SHA256SUMS beside it; checked against the passport's seal alone)"
            console.write_data("ok", loaded.passport.name, f"{loaded.sha256}{note}")
