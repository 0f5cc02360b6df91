"""The log of a run: `metrics.jsonl` and, if wanted, TensorBoard's events."""

import json
import math
from pathlib import Path
from typing import IO, Any, Self

from mesorch_cli.bounds import json_within
from mesorch_cli.errors import OutputError, UsageError
from mesorch_cli.extras import install_hint
from mesorch_cli.files.writing import write_whole

METRICS, EVENTS, LOCK = "metrics.jsonl", "tensorboard", ".lock"


class RunLog:
    """A line for every step and validation. A resumed run continues from its checkpoint.

    Lines after the checkpoint are removed, as they will be written again. While the log is open, no second run may use
    the folder.
    """

    def __init__(self, folder: Path, step: int, validated: int, *, tensorboard: bool = True) -> None:
        """Open the log of a run that has done `step` steps. Raises OutputError if it cannot be written.

        Raises UsageError if TensorBoard is wanted but not installed, and if another run uses the folder.
        """
        self._events: Any = None
        path = folder / METRICS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / LOCK).open("w", encoding="utf-8")
            _take(self._lock, folder)
            kept = _kept(path, step, validated) if path.exists() else ""
            write_whole(path, kept.encode("utf-8"))
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"Cannot write {path}: {error.strerror}. Choose another folder with -o.") from error
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise UsageError(
                    f"TensorBoard is not installed: {install_hint('train')}, or give --no-tensorboard."
                ) from error
            self._events = SummaryWriter(str(folder / EVENTS), purge_step=step + 1)

    def step(self, step: int, values: dict[str, float]) -> None:
        """Log one step."""
        self._write({"step": step} | values, step, {f"train/{name}": value for name, value in values.items()})

    def validation(self, step: int, figures: dict[str, dict[str, float]]) -> None:
        """Log one validation: figures by set and name."""
        scalars = {f"validation/{name}/{key}": value for name, one in figures.items() for key, value in one.items()}
        self._write({"step": step, "validation": figures}, step, scalars)

    def _write(self, line: dict[str, Any], step: int, scalars: dict[str, float]) -> None:
        try:
            self._file.write(json.dumps(_plain(line)) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(
                f"Cannot write {self._file.name}: {error.strerror}. Make room and give the same command again: the run "
                "goes on from its last checkpoint."
            ) from error
        if self._events is not None:
            for name, value in scalars.items():
                if math.isfinite(value):
                    self._events.add_scalar(name, value, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._lock.close()
        if self._events is not None:
            self._events.close()


def _take(lock: IO[str], folder: Path) -> None:
    """Lock the folder until the file is closed or its process ends. Raises UsageError if another process has it."""
    try:
        import fcntl
    except ImportError:  # this system has no such locks, so the user must guard the folder
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise UsageError(f"Another run is using {folder}. Wait for its end, or choose another with -o.") from error


def _kept(path: Path, step: int, validated: int) -> str:
    lines = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json_within(line)
            last = validated if entry.get("validation") is not None else step
            if entry["step"] <= last:
                lines.append(line + "\n")
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # cut off by a kill
    return "".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
