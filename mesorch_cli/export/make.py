"""An export from weights to files: built in a temporary folder, checked by its runtime, then moved into place."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from mesorch_cli.errors import OutputError, UsageError
from mesorch_cli.export.parity import TOLERANCES, Parity, Photo, cases, compare, require
from mesorch_cli.export.trace import trace
from mesorch_cli.extras import install_hint
from mesorch_cli.files.hashing import sha256_file
from mesorch_cli.files.writing import take_whole, write_whole
from mesorch_cli.inference.backends.eager import TorchBackend
from mesorch_cli.inference.exported import Format, Seal, Sidecar, SourcePart, sidecar_of
from mesorch_cli.inference.loading import open_exported
from mesorch_cli.network.families import family_of
from mesorch_cli.network.weights import LoadedWeights

SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "torch": ".pt2", "openvino": ".xml"}
PACKAGES: dict[Format, tuple[str, ...]] = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "torch": (),
    "openvino": ("onnx", "onnxscript", "openvino"),
}
ExportPrecision = Literal["fp32", "fp16"]


@dataclass(frozen=True)
class Export:
    """What to make. Raises UsageError, with the reason, for combinations that are not offered."""

    format: Format
    precision: ExportPrecision = "fp32"

    def __post_init__(self) -> None:
        if self.format == "torch" and self.precision != "fp32":
            raise UsageError(
                f"--format torch does not support --precision {self.precision}. Expected fp32: the program runs on "
                "CPUs, where lower precision is slower in PyTorch. Or use --format onnx or openvino."
            )


@dataclass(frozen=True)
class Made:
    """The result of an export: the main file and all files with sizes in bytes, and the gate's measurements."""

    path: Path
    sizes: dict[Path, int]
    sha256: str
    parity: Parity


def export(
    weights: LoadedWeights,
    wanted: Export,
    output: Path,
    photos: Mapping[str, Photo],
    *,
    on_case: Callable[[int, int], None] | None = None,
) -> Made:
    """Export weights to `output`, which must not exist or may be replaced. The network is unchanged.

    Raises UsageError for a missing package or a suffix of another format, VerificationError if the gate fails (then
    nothing is written), OutputError if the file cannot be written.
    """
    require_packages(wanted.format)
    if output.suffix != SUFFIXES[wanted.format]:
        raise UsageError(f"{output.name!r} does not suit --format {wanted.format}. Expected {SUFFIXES[wanted.format]}.")
    try:
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=".mesorch-export-") as folder:
            path = Path(folder) / output.name
            build(weights, wanted, path)
            opened = open_exported(path)
            rule = weights.passport
            parity = compare(
                TorchBackend(weights.network, "cpu"),
                opened.start("cpu", wanted.precision),
                list(cases(dict(photos), rule.input.side)),
                threshold=rule.threshold,
                tolerance=TOLERANCES[wanted.precision],
                on_case=on_case,
            )
            require(parity, f"The {wanted.format} form in {wanted.precision}")
            made = sorted(Path(folder).iterdir(), key=lambda one: one == path)  # the main file is put in place last
            digests = {one.name: sha256_file(one) for one in made}
            sizes = {output.with_name(one.name): one.stat().st_size for one in made}
            seal = opened.seal
            sidecar = Sidecar(files=digests, seal=seal, versions=versions(wanted.format), parity=parity.to_dict())
            sidecar_of(output).unlink(missing_ok=True)  # it describes the file that is about to be replaced
            for one in made:
                take_whole(one, output.with_name(one.name))
            write_whole(sidecar_of(output), (sidecar.model_dump_json(by_alias=True, indent=1) + "\n").encode("utf-8"))
            return Made(output, sizes, opened.weights.sha256, parity)
    except OSError as error:
        raise OutputError(
            f"Cannot write {str(output)!r}: {error.strerror}. Name a file in a writable folder."
        ) from error


def require_packages(form: Format) -> None:
    """Raise UsageError if a package that makes or checks the format is missing."""
    from importlib.util import find_spec

    if missing := [name for name in PACKAGES[form] if find_spec(name) is None]:
        raise UsageError(
            f"--format {form} needs {', '.join(missing)}, which is not installed: {install_hint('export')}."
        )


def build(weights: LoadedWeights, wanted: Export, path: Path) -> None:
    """Write the file and its companions with the seal, unchecked."""

    def seal_of(graph_sha256: str) -> Seal:
        inference = weights.passport.inference.model_copy(update={"precision": wanted.precision})
        return Seal(
            format=wanted.format,
            precision=wanted.precision,
            source=SourcePart(name=weights.passport.name, sha256=weights.sha256),
            graph_sha256=graph_sha256,
            # The seal's checksum covers it. That of the weights' passport belongs to another precision.
            passport=weights.passport.model_copy(update={"inference": inference, "passport_sha256": None}),
        )

    # OpenVINO itself keeps half-precision constants in a float32 graph.
    half = wanted.precision == "fp16"
    graph = family_of(weights.passport.network).graph(
        weights.network, "fp16" if half and wanted.format == "onnx" else "fp32"
    )
    program = trace(graph)
    if wanted.format == "torch":
        from mesorch_cli.export.program import write_program

        write_program(program, path, seal_of)
        return
    from mesorch_cli.export.onnx import build_model, write_onnx

    model = build_model(program)
    if wanted.format == "onnx":
        write_onnx(model, path, seal_of)
        return
    from mesorch_cli.export.openvino import write_openvino

    write_openvino(model, path, seal_of, half=half)


def versions(form: Format) -> dict[str, str]:
    """Return the versions of the packages that made and checked a file, and the operator set if there is one."""
    found = {name: version(name) for name in ("mesorch", "torch", *PACKAGES[form])}
    if form != "torch":
        from mesorch_cli.export.onnx import OPSET

        found["opset"] = str(OPSET)
    return found
