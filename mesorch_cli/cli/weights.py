"""`mesorch weights`: list, describe, import, verify, sign and trust weights."""

import json
import re
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

ONLY_TENSORS = "Only the tensors have a checksum, the passport has none: an earlier version wrote these weights."
NOT_RECORDED = "there is no SHA256SUMS beside it; only the checksums inside it were compared"
TRUSTING = (
    "To trust this file means: whenever you name it, it may run code on this machine with your rights. It can read, "
    "change and send everything that you can. Nobody has reviewed that code. Trust only files that you made, or that "
    "you got from someone you know in a way that nobody else could tamper with. The trust covers these exact bytes: "
    "another file of the same name is not trusted. Withdraw it with"
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
    """List the weights that have a name: those shipped with the tool, and those you imported.

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
    """Return a sentence on what no checksum of an exported file covers; None if everything is covered."""
    if seal.uncovered is None:
        return None
    return f"No checksum covers {seal.uncovered} of this file: an earlier version exported it."


@app.command()
def info(which: Which = None, as_json: options.Json = False) -> None:
    """Show the passport of weights: network, licence, default of each option, figures, limits, training.

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
    name: Annotated[str | None, typer.Option(help="Name to give the weights. (default: the network's)")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the weights, to be noted in the passport.")] = None,
    network: Annotated[str | None, typer.Option(help="Accept only this network: mesorch or mesorch-p.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace imported weights of the same name.")] = False,
    sign: options.Sign = None,
    as_json: options.Json = False,
) -> None:
    """Import a published checkpoint: read it without running its code, check every tensor, write safetensors.

    Example: mesorch weights import mesorch-98.pth
    """
    with guard():
        from mesorch_cli.errors import OutputError, UsageError
        from mesorch_cli.network import signed, store
        from mesorch_cli.network.importing import checkpoint_contents, import_checkpoint, read_checkpoint, recognise
        from mesorch_cli.network.passport import NAME_PATTERN
        from mesorch_cli.signing import read_private_key

        if sign is not None:
            read_private_key(sign)  # a bad key is reported before the work begins
        contents = checkpoint_contents(source)
        chosen = name or recognise(read_checkpoint(contents), source).name
        if not re.fullmatch(NAME_PATTERN, chosen):
            raise UsageError(
                f"The name {chosen!r} cannot be used. Expected a plain word such as mesorch-98: up to 100 letters, digits, "
                "dots, hyphens and underscores."
            )
        taken = {stored.name: stored for stored in store.list_weights()}
        if chosen in taken and (taken[chosen].origin == "shipped" or not replace):
            raise UsageError(
                f"Weights named {chosen!r} exist already ({taken[chosen].path}). Give another --name"
                + ("." if taken[chosen].origin == "shipped" else ", or --replace.")
            )
        folder = store.imported_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"Cannot make the folder {str(folder)!r}: {error.strerror}. Set MESORCH_HOME to a folder that can be written."
            ) from error
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
                console.say(f"{len(imported.dropped)} tensors were left out, as this network does not use them")


@app.command()
def verify(which: Which = None, public_key: options.PublicKey = None, as_json: options.Json = False) -> None:
    """Compare weights with their checksums: the file with SHA256SUMS, its tensors and passport with the passport's own.

    For an exported file, graph, topology and passport are compared with the checksums inside, and every file with the
    sidecar. Every tensor must fit the network. A checksum reveals damage, and changes by someone who did not also
    change the checksum. Only a signature shows who made the weights: give --public-key.

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
            console.say("This file may run code when it is loaded, because you trusted it (mesorch weights trust).")
        remark = "" if recorded else f" ({NOT_RECORDED})"
        signed = "" if public_key is None else f", signed by the owner of {public_key.name}"
        console.write_data("ok", loaded.passport.name, f"{loaded.sha256}{remark}{signed}")


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights: .safetensors, .onnx, .xml or .pt2.")],
    key: Annotated[Path, typer.Option("--key", metavar="KEY.pem", help="Your private Ed25519 key.")],
    as_json: options.Json = False,
) -> None:
    """Sign weights. With your public key, others can then check that they come from you and are unchanged.

    The signature is written to FILE.sig. It covers the SHA-256 that records name, and for an .xml its .bin too. Keys
    are PEM files. To make a private key: `openssl genpkey -algorithm ed25519 -out key.pem`. To get its public key:
    `openssl pkey -in key.pem -pubout -out public.pem`.

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
        str | None, typer.Argument(metavar="FILE.pt2", help="The program. With --remove, its SHA-256 works too.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Withdraw the trust.")] = False,
    as_json: options.Json = False,
) -> None:
    """Allow a .pt2 file from someone else to run code when you name it, or list the files that are allowed to.

    Only a .pt2 can contain code. Those that `mesorch export` writes contain none and need no trust. Any other is
    refused unless its SHA-256 is on the list that this command keeps in $MESORCH_HOME. Without FILE, the list is shown.

    Example: mesorch weights trust colleague.pt2
    """
    with guard():
        from mesorch_cli.errors import UsageError
        from mesorch_cli.network.contents import read_contents
        from mesorch_cli.network.trust import trusted_files

        trusted = trusted_files()
        if file is None:
            if remove:
                raise UsageError("--remove was given without a file. Expected a file, or a SHA-256 from the list.")
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
                raise UsageError(f"{path.name} needs no trust, as only a .pt2 can contain code. Expected a .pt2.")
            sha256 = read_contents(path).sha256
            entry = trusted.add(sha256, path.name)
            console.say(f"{TRUSTING} `mesorch weights trust --remove {sha256}`.")
        if as_json:
            console.write_json(entry.model_dump() | {"trusted": not remove})
        else:
            console.write_data("no longer trusted" if remove else "trusted", entry.sha256, entry.name)
