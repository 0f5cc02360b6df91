"""An input on its way to its record: read, analysed, composed, written."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.photo import Photo
from mesorch_cli.examination.outputs import RECORD_NAME
from mesorch_cli.examination.record import Record
from mesorch_cli.files.writing import write_below
from mesorch_cli.inference.detection import Detection
from mesorch_cli.inference.scoring import Verdict

CHANGED = "the file changed during the analysis"


@dataclass(frozen=True)
class Examination:
    """The record of one input, the folder of its files, and a sentence on why it was not analysed."""

    record: Record
    folder: Path | None
    problem: str | None

    @property
    def analysed(self) -> bool:
        return self.record.result.verdict is not Verdict.NOT_ANALYSED


@dataclass(frozen=True)
class Loaded:
    """An input after reading: the photo, or an error in its place.

    source: what was opened. shown: its name in the record. data: its bytes, if they came from standard input. size,
    sha256: of the bytes, None if there was nothing to hash.
    """

    source: str
    shown: str
    data: bytes | None
    photo: Photo | None
    failure: InputError | None
    size: int | None
    sha256: str | None
    started_at: datetime
    read_s: float


@dataclass(frozen=True)
class Analysed:
    """The engine's result for an input, and a sentence on why it was not analysed.

    explained: files by name that explain the detection, where that was asked for.
    """

    loaded: Loaded
    detection: Detection
    problem: str | None
    analyse_s: float
    explained: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Composed:
    """A complete record and its pictures (bytes by file name), not yet written.

    problem: a sentence on why the input was not analysed.
    """

    record: Record
    pictures: dict[str, bytes]
    problem: str | None

    def hashed_again(self, sha256_after: str | None) -> "Composed":
        """Return the same with the input's hash after the analysis, flagged if it changed."""
        record = self.record
        flags = record.result.flags
        if sha256_after != record.input.sha256:
            flags = sorted({*flags, CHANGED})
        changes = {
            "input": record.input.model_copy(update={"sha256_after": sha256_after}),
            "result": record.result.model_copy(update={"flags": flags}),
        }
        return replace(self, record=record.model_copy(update=changes))

    def write(self, root: Path, place: str) -> None:
        """Write pictures and record into a folder below `root`, the record last. Raises OutputError if that fails."""
        for name, data in self.pictures.items():
            write_below(root, f"{place}/{name}", data)
        write_below(root, f"{place}/{RECORD_NAME}", self.record.to_text().encode("ascii"))
