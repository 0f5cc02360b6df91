"""`mesorch export`: write weights for other runtimes, with the same answers."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard

if TYPE_CHECKING:
    from mesorch_cli.export.make import Made
    from mesorch_cli.inference.exported import Format


class FormatName(StrEnum):
    """Formats that other runtimes load."""

    ONNX = "onnx"
    TORCH = "torch"
    OPENVINO = "openvino"


FORMATS: "dict[FormatName, Format]" = {
    FormatName.ONNX: "onnx",
    FormatName.TORCH: "torch",
    FormatName.OPENVINO: "openvino",
}


class ExportPrecisionName(StrEnum):
    """Arithmetic inside the file. The frequency split and every softmax are always float32."""

    FP32 = "fp32"
    FP16 = "fp16"


def export(
    form: Annotated[FormatName, typer.Option("--format", "-f", help="Format of the file.")] = FormatName.ONNX,
    precision: Annotated[ExportPrecisionName, typer.Option(help="Arithmetic.")] = ExportPrecisionName.FP32,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File to write. (default: NAME-PRECISION.onnx, .pt2 or .xml)"
        ),
    ] = None,
    weights: Annotated[
        str | None,
        options.weights_option("Name of installed weights, or a .safetensors file. (default: mesorch-s)"),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder of more photos for the comparison, beside those that come with the tool."
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the file if it exists.")] = False,
    sign: options.Sign = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write weights as a file for another runtime, provided that it gives the same answers there.

    The graph takes RGB tiles of bytes (batch, height, width, 3), with any batch and sides that are multiples of 32, and
    returns logits. All steps in between are inside the graph. Before the file is kept, its own runtime runs it and the
    answers are compared with PyTorch's. The file carries the passport of the weights. FILE.json beside it holds hashes
    and the comparison. Commands that analyse photos accept the file as --weights. With --sign, FILE.sig shows who
    made it.

    Exit codes: 0 done, 2 usage, 5 weights missing or damaged, 6 the answers differ from PyTorch's and no file is
    kept.

    Example: mesorch export --format onnx -o mesorch-s.onnx
    """
    with guard():
        from mesorch_cli.errors import UsageError
        from mesorch_cli.export.make import SUFFIXES, Export
        from mesorch_cli.export.make import export as make
        from mesorch_cli.export.photos import folder_photos, standard_photos
        from mesorch_cli.network.signed import sign as write_signature
        from mesorch_cli.network.store import SUFFIX, read_weights, resolve
        from mesorch_cli.network.weights import load_weights
        from mesorch_cli.signing import read_private_key

        wanted = Export(FORMATS[form], "fp16" if precision is ExportPrecisionName.FP16 else "fp32")
        stored = resolve(weights)
        if stored.path.suffix != SUFFIX:
            raise UsageError(
                f"{stored.path.name} is not a {SUFFIX} file. Expected the original weights: exported files cannot be "
                "exported again."
            )
        path = output or Path(f"{stored.name}-{wanted.precision}{SUFFIXES[wanted.format]}")
        if path.exists() and not replace:
            raise UsageError(f"{str(path)!r} exists already. Give another --output, or --replace.")
        if sign is not None:
            read_private_key(sign)  # a bad key is reported before the work begins
        looked_at = standard_photos() | ({} if photos is None else folder_photos(photos))
        loaded = load_weights(read_weights(weights))
        with console.count_progress("comparisons", wanted=not quiet) as on_case:
            made = make(loaded, wanted, path, looked_at, on_case=on_case)
        if sign is not None:
            write_signature(made.path, made.sha256, sign)
        tell(made, wanted.format, wanted.precision, as_json, quiet)


def tell(made: "Made", form: str, precision: str, as_json: bool, quiet: bool) -> None:
    """Report an export: data on stdout, the comparison to people on stderr."""
    if as_json:
        values = {
            "format": form,
            "precision": precision,
            "path": str(made.path),
            "sha256": made.sha256,
            "bytes": sum(made.sizes.values()),
            "parity": made.parity.to_dict(),
        }
        console.write_json(values)
        return
    if not quiet:
        rows = [
            [one.case, f"{one.batch} x {one.height} x {one.width}", f"{one.logits:.2g}", f"{one.flipped:.3%}"]
            for one in made.parity.differences
        ]
        console.show_table(
            "against PyTorch", ["photo", "tiles", "largest logit difference", "mask pixels flipped"], rows, aside=True
        )
    console.write_data(made.path, f"{sum(made.sizes.values())} bytes", made.sha256)
