"""`mesorch weights`: which weights there are and what they are; importing, checking, signing and trusting them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard

if TYPE_CHECKING:
    from mesorch_cli.inference.exported import Seal

HELP = """List, describe, import, verify, sign and trust weights.

Example: mesorch weights list

Example: mesorch weights info mesorch-s
"""

app = typer.Typer(no_args_is_help=True, help=HELP)

ONLY_TENSORS = "The passport has no checksum, only the tensors have one: these weights are of an earlier version."
NOT_RECORDED = "no SHA256SUMS beside it; compared with the checksums inside it alone"
TRUSTING = (
    "To trust this file means: whenever you name it, it may run code on this machine with your rights. It can read, change "
    "and send what you can. Nobody looked at that code. Trust only what you made, or got from someone you know by a way "
    "that nobody else could change. This holds for these very bytes: another file of the same name is not trusted. Take it "
    "back with"
)

Which = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME|FILE",
        help="Weights by name or file. (default: mesorch-s)",
        autocompletion=options.names_of_weights,
    ),
]


@app.command("list")
def list_all(as_json: options.Json = False) -> None:
    """List the weights that a name can mean: shipped with the tool, or imported.

    Example: mesorch weights list
    """
    with guard(printing=True):
        from mesorch_cli.network.header import read_passport
        from mesorch_cli.network.store import list_weights

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


def uncovered_note(seal: "Seal") -> str | None:
    """Return what no checksum of an exported file covers, as a sentence; None where they cover everything."""
    if seal.uncovered is None:
        return None
    return f"No checksum covers {seal.uncovered} of this file: it was exported by an earlier version."


@app.command()
def info(which: Which = None, as_json: options.Json = False) -> None:
    """Show the passport of weights: network, licence, defaults by option, figures, limits, training.

    Example: mesorch weights info mesorch-s

    Example: mesorch weights info mesorch-s --json
    """
    with guard(printing=True):
        from mesorch_cli.cli.passport_tables import tables
        from mesorch_cli.inference.loading import open_exported
        from mesorch_cli.network.contents import read_contents
        from mesorch_cli.network.header import passport_of
        from mesorch_cli.network.store import EXPORTED_SUFFIXES, resolve

        stored = resolve(which)
        contents = read_contents(stored.path)
        if stored.path.suffix in EXPORTED_SUFFIXES:
            exported = open_exported(contents)
            passport, sha256, note = exported.weights.passport, exported.weights.sha256, uncovered_note(exported.seal)
        else:
            passport, sha256 = passport_of(contents), contents.sha256
            note = ONLY_TENSORS if passport.passport_sha256 is None else None
        if note is not None and not as_json:
            console.say(note)
        if as_json:
            console.write_json(json.loads(passport.to_json()) | {"path": str(stored.path), "sha256": sha256})
        else:
            for table in tables(passport, str(stored.path), sha256):
                console.show_table(table.title, table.columns, table.rows)
            console.say("--json gives the whole passport, with the numbers inside its rules.")


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE.pth", help="A published checkpoint of Mesorch or Mesorch-P.")],
    name: Annotated[str | None, typer.Option(help="Name for later. (default: the network's)")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the weights, for the passport.")] = None,
    network: Annotated[str | None, typer.Option(help="Refuse anything but this: mesorch or mesorch-p.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace imported weights of the same name.")] = False,
    sign: options.Sign = None,
    as_json: options.Json = False,
) -> None:
    """Bring in a published checkpoint: read without running its code, check every tensor, write safetensors.

    Example: mesorch weights import mesorch-98.pth
    """
    with guard():
        from mesorch_cli.errors import UsageError
        from mesorch_cli.network import signed, store
        from mesorch_cli.network.importing import checkpoint_contents, import_checkpoint, read_checkpoint, recognise
        from mesorch_cli.signing import read_private_key

        if sign is not None:
            read_private_key(sign)  # a key that is none is said before the work
        contents = checkpoint_contents(source)
        chosen = name or recognise(read_checkpoint(contents), source).name
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
            contents, folder / f"{chosen}{store.SUFFIX}", name=chosen, licence=licence, expect=network
        )
        store.record_sum(imported.path, imported.sha256)
        if sign is not None:
            signed.sign(imported.path, imported.sha256, sign)
        if as_json:
            values = {"name": chosen, "network": imported.config_name, "path": str(imported.path)}
            console.write_json(values | {"sha256": imported.sha256, "dropped": list(imported.dropped)})
        else:
            console.write_data(chosen, imported.config_name, imported.sha256, imported.path)
            if imported.dropped:
                console.say(f"left out, as this network does not use them: {len(imported.dropped)} tensors")


@app.command()
def verify(which: Which = None, public_key: options.PublicKey = None, as_json: options.Json = False) -> None:
    """Compare weights with their checksums: the file with SHA256SUMS, tensors and passport with those in the passport.

    Of an exported file: graph, topology and passport with the checksums inside, every file with the sidecar. Every tensor
    must have its place. A checksum shows damage, and a change by someone who did not also change the checksum. Who made the
    weights is shown by a signature alone: --public-key.

    Example: mesorch weights verify mesorch-s
    """
    with guard():
        from mesorch_cli.inference.loading import open_weights
        from mesorch_cli.network.store import resolve

        opened = open_weights(which, public_key)
        loaded = opened.weights
        recorded = resolve(which).recorded_sha256 is not None
        seal: Seal | None = getattr(opened, "seal", None)
        if seal is not None:
            note, covered = uncovered_note(seal), seal.uncovered is None
        else:
            covered = loaded.passport.passport_sha256 is not None
            note = None if covered else ONLY_TENSORS
        trusted = bool(getattr(opened, "trusted", False))
        if as_json:
            values = {"name": loaded.passport.name, "sha256": loaded.sha256, "recorded": recorded, "ok": True}
            console.write_json(values | {"passport": covered, "signed": public_key is not None, "trusted": trusted})
            return
        if note is not None:
            console.say(note)
        if trusted:
            console.say("It can run code when it is loaded, and does: you trusted this file (mesorch weights trust).")
        remark = "" if recorded else f" ({NOT_RECORDED})"
        signed = "" if public_key is None else f", signed by the owner of {public_key.name}"
        console.write_data("ok", loaded.passport.name, f"{loaded.sha256}{remark}{signed}")


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights: .safetensors, .onnx, .xml or .pt2.")],
    key: Annotated[Path, typer.Option("--key", metavar="KEY.pem", help="Your private Ed25519 key.")],
    as_json: options.Json = False,
) -> None:
    """Sign weights, in FILE.sig beside them: others see by your public key that they are yours and unchanged.

    Keys are PEM files: `openssl genpkey -algorithm ed25519 -out key.pem`, and for others `openssl pkey -in key.pem -pubout
    -out public.pem`. The signature is of the SHA-256 that records name; of an .xml it covers its .bin too.

    Example: mesorch weights sign mine.safetensors --key key.pem
    """
    with guard():
        from mesorch_cli.inference.loading import open_weights
        from mesorch_cli.network import signed

        loaded = open_weights(str(file.absolute())).weights
        place = signed.sign(loaded.path, loaded.sha256, key)
        if as_json:
            console.write_json({"signature": str(place), "sha256": loaded.sha256})
        else:
            console.write_data(place, loaded.sha256)


@app.command()
def trust(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE.pt2", help="A program; with --remove also its SHA-256.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Trust it no longer.")] = False,
    as_json: options.Json = False,
) -> None:
    """Let a program of others (.pt2) run code when you name it, or list those that may.

    Only a .pt2 can hold code, and those that `mesorch export` writes hold none and need no trust. Any other is refused,
    unless its SHA-256 is on the list that this command keeps in $MESORCH_HOME. Without FILE: the list.

    Example: mesorch weights trust colleague.pt2
    """
    with guard():
        from mesorch_cli.errors import UsageError
        from mesorch_cli.network.contents import read_contents
        from mesorch_cli.network.trust import trusted_files

        trusted = trusted_files()
        if file is None:
            if remove:
                raise UsageError("--remove without a file. Expected one, or a SHA-256 of the list.")
            for entry in trusted.read():
                if as_json:
                    console.write_json(entry.model_dump())
                else:
                    console.write_data(entry.sha256, entry.date, entry.name)
            return
        if remove:
            is_hash = len(file) == 64 and not set(file.lower()) - set("0123456789abcdef")
            sha256 = file.lower() if is_hash else read_contents(Path(file)).sha256
            if (gone := trusted.remove(sha256)) is None:
                raise UsageError(f"{file} is not on the list of trusted files. `mesorch weights trust` shows the list.")
            entry = gone
        else:
            path = Path(file)
            if path.suffix != ".pt2":
                raise UsageError(f"{path.name} needs no trust: only a .pt2 can hold code. Expected one.")
            sha256 = read_contents(path).sha256
            entry = trusted.add(sha256, path.name)
            console.say(f"{TRUSTING} `mesorch weights trust --remove {sha256}`.")
        if as_json:
            console.write_json(entry.model_dump() | {"trusted": not remove})
        else:
            console.write_data("no longer trusted" if remove else "trusted", entry.sha256, entry.name)
