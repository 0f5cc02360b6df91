"""Training files that build on others: with `extends = "base.toml"`, a file states only what differs from that one."""

from pathlib import Path, PurePosixPath
from typing import Any

from mesorch_cli.bounds import OutOfBoundsError, toml_within
from mesorch_cli.errors import UsageError
from mesorch_cli.texts import read_text

KEY = "extends"
MOST_FILES = 8  # that build on each other


def read_values(path: Path) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """Return the values of a training file over those of the file that it extends, and all files, the given one first.

    `extends` names a .toml file by a path relative to its own file, in the same folder or below. Tables are merged key
    by key. Any other value, including a list, is replaced as a whole. Raises UsageError for an invalid file, for files
    that extend each other in a circle, and for too many.
    """
    files: list[Path] = []
    layers: list[dict[str, Any]] = []
    current: Path | None = path
    while current is not None:
        if any(current.resolve() == known.resolve() for known in files):
            circle = " extends ".join(map(str, [*files, current]))
            raise UsageError(
                f"Training files extend each other in a circle: {circle}. Expected a file at the end that extends none."
            )
        if len(files) == MOST_FILES:
            raise UsageError(f"{path} builds on more than {MOST_FILES - 1} other files. Expected fewer: merge some.")
        values = _read(current, files[-1] if files else None)
        files.append(current)
        current = _extended(current, values.pop(KEY, None))
        layers.append(values)
    joined: dict[str, Any] = {}
    for layer in reversed(layers):
        joined = _over(joined, layer)
    return joined, tuple(files)


def _read(path: Path, by: Path | None) -> dict[str, Any]:
    """Return the values of one file. by: the file that extends it."""
    if not path.exists():
        if by is not None:
            raise UsageError(f"{by} extends {path}, which does not exist. Expected a training file beside it.")
        raise UsageError(f"There is no training file {path}. Start from one in `configs/`.")
    try:
        return toml_within(read_text(path))
    except OutOfBoundsError as error:
        raise UsageError(f"{path}: {error}.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}.") from error


def _extended(path: Path, name: object) -> Path | None:
    """Return the file that `name` means, None if it names none."""
    if name is None:
        return None
    # A training file from others must not cause files to be read that are not visibly beside it.
    if (
        not isinstance(name, str)
        or not name.endswith(".toml")
        or "\\" in name
        or PurePosixPath(name).is_absolute()
        or ".." in PurePosixPath(name).parts
    ):
        raise UsageError(
            f"{path}, {KEY}: {name!r}. Expected the name of a .toml file in the same folder or below, such as "
            "base.toml."
        )
    return path.parent / name


def _over(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    joined = dict(base)
    for name, value in layer.items():
        known = base.get(name)
        joined[name] = _over(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return joined
