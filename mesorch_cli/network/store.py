"""Where weights are stored, shipped or imported, and which file a name means."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mesorch_cli.errors import WeightsError
from mesorch_cli.files.writing import write_whole
from mesorch_cli.network.contents import Contents, read_contents, read_ordinary
from mesorch_cli.offline import data_folder

DEFAULT_NAME = "mesorch-s"
SUFFIX = ".safetensors"
EXPORTED_SUFFIXES = (".onnx", ".pt2", ".xml")
SUMS = "SHA256SUMS"
MOST_SUMS = 1024 * 1024  # bytes of such a list

Origin = Literal["shipped", "imported", "file"]


@dataclass(frozen=True)
class StoredWeights:
    """A named weights file. recorded_sha256: from SHA256SUMS beside it, None if it is not listed there."""

    name: str
    path: Path
    recorded_sha256: str | None
    origin: Origin


def shipped_folder() -> Path:
    """Return the folder of the shipped weights: inside the package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "weights"


def imported_folder() -> Path:
    """Return the folder of imported weights: `weights` in the tool's own folder."""
    return data_folder() / "weights"


def recorded_sums(folder: Path) -> dict[str, str]:
    """Return file name -> SHA-256 from the folder's SHA256SUMS; empty without one. WeightsError if it is invalid."""
    file = folder / SUMS
    if not file.is_file():
        return {}
    try:
        lines = [line for line in read_ordinary(file, MOST_SUMS).decode("utf-8").splitlines() if line.strip()]
        pairs = [(digest, name.strip().lstrip("*")) for digest, name in (line.split(maxsplit=1) for line in lines)]
    except ValueError as error:  # not text, or a line without a name
        raise WeightsError(
            f"{file} is not a list of checksums ({error}). Expected lines of SHA-256 and file name."
        ) from error
    return {name: digest for digest, name in pairs}


def record_sum(path: Path, sha256: str) -> None:
    """Set the line of `path` in the SHA256SUMS beside it."""
    sums = recorded_sums(path.parent) | {path.name: sha256}
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    write_whole(path.parent / SUMS, text.encode("utf-8"))


def list_weights() -> list[StoredWeights]:
    """Return all named weights, shipped ones first. Of two with one name, the first is meant."""
    found: list[StoredWeights] = []
    folders: tuple[tuple[Path, Origin], ...] = ((shipped_folder(), "shipped"), (imported_folder(), "imported"))
    for folder, origin in folders:
        sums = recorded_sums(folder)
        paths = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file()) if folder.is_dir() else []
        found += [StoredWeights(path.stem, path, sums.get(path.name), origin) for path in paths]
    return found


def resolve(name_or_path: str | None) -> StoredWeights:
    """Return the weights that a name or path means; None means the default. WeightsError lists the known names."""
    wanted = name_or_path or DEFAULT_NAME
    stored = list_weights()
    for weights in stored:
        if weights.name == wanted:
            return weights
    path = Path(wanted)
    if path.suffix in (SUFFIX, *EXPORTED_SUFFIXES) or os.sep in wanted or path.is_file():
        if not path.exists():
            raise WeightsError(
                f"No weights file at {wanted}. Expected a {SUFFIX} file, an exported one "
                f"({', '.join(EXPORTED_SUFFIXES)}) or a name: {names(stored)}."
            )
        return StoredWeights(path.stem, path, recorded_sums(path.parent).get(path.name), "file")
    raise WeightsError(
        f"No weights are named {wanted!r}. Installed: {names(stored)}. To add a published checkpoint of mesorch or "
        "mesorch-p, use `mesorch weights import FILE.pth`."
    )


def names(stored: list[StoredWeights]) -> str:
    """Return the names for a message."""
    return ", ".join(weights.name for weights in stored) or "none"


def read_weights(name_or_path: str | None = None) -> Contents:
    """Read the file that a name or path means, once, and check its hash if SHA256SUMS lists it.

    Load the returned bytes instead of reading the file again, as it could be another file by then. Raises WeightsError
    if there is no such file, or if its hash is not the recorded one.
    """
    weights = resolve(name_or_path)
    contents = read_contents(weights.path)
    if weights.recorded_sha256 is not None and contents.sha256 != weights.recorded_sha256:
        raise WeightsError(
            f"{weights.path} has the SHA-256 {contents.sha256[:16]}..., but {SUMS} beside it records "
            f"{weights.recorded_sha256[:16]}... The file was changed or damaged: restore it, or import it again."
        )
    return contents


def find_weights(name_or_path: str | None = None) -> Path:
    """Return the path of the file that `read_weights` reads, after the same checks, for programs that name the file."""
    return read_weights(name_or_path).path
