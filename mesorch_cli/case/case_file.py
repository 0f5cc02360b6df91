"""`case.json`: what a case is about, how it was analysed, and the results in numbers."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from mesorch_cli.bounds import json_within
from mesorch_cli.case.scan import MOST_PATTERNS, MOST_SHARES
from mesorch_cli.errors import UsageError
from mesorch_cli.files.reading import read_below
from mesorch_cli.files.writing import write_below
from mesorch_cli.validation import first_problem

FILE_NAME = "case.json"
SCHEMA: Literal["mesorch.case/1"] = "mesorch.case/1"
LARGEST_BYTES = 64 << 20  # of the file: only its list of unreadable folders can grow


LONGEST_PATH = 65536  # characters of a path of 4096 escaped bytes, with room to spare

Patterns = Annotated[list[Annotated[str, Field(max_length=LONGEST_PATH)]], Field(max_length=MOST_PATTERNS)]
Share = Annotated[int, Field(ge=1, le=MOST_SHARES)]
Count = Annotated[int, Field(ge=0, le=10**12)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SelectionPart(_Part):
    """Which files of the evidence belong to the case. shard: (k, n) for share k of n."""

    include: Patterns
    exclude: Patterns
    shard: tuple[Share, Share]


class CountsPart(_Part):
    """found = analysed + not_analysed + failed + waiting. findings and duplicates are among those that have a row.

    duplicates: files with the bytes of another one. gone: files with a row that are no longer in the evidence folder,
    or no longer selected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    found: Count
    analysed: Count
    not_analysed: Count
    failed: Count
    waiting: Count
    findings: Count
    duplicates: Annotated[Count, Field(alias="copies")]  # the file keeps the key that programs of others read
    gone: Count


class AboutPart(_Part):
    """What a case is about, known before anything is analysed.

    evidence: the folder, absolute. settings: all settings, as in every record, with their digest.
    """

    evidence: Annotated[str, Field(max_length=LONGEST_PATH)]
    selection: SelectionPart
    settings: dict[str, JsonValue]
    settings_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    weights: dict[str, str]
    tool: dict[str, str]


class CaseFile(AboutPart):
    """The whole file.

    others: other entries in the evidence folder, by kind. unlisted: folders that could not be listed. journal_sha256:
    of the journal's content. journal_digest: what it covers, 2 for tables, facts and rows; 1 for facts and rows, in
    older cases.
    """

    schema_: Literal["mesorch.case/1"] = Field(default=SCHEMA, alias="schema")
    counts: CountsPart
    others: dict[str, Count]
    unlisted: list[str]
    journal_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    journal_digest: Literal[1, 2] = 1

    def write(self, folder: Path) -> None:
        """Write the file into the case. Raises OutputError if that fails."""
        values = self.model_dump(mode="json", by_alias=True)
        ordered = {"schema": values.pop("schema")} | values
        write_below(folder, FILE_NAME, (json.dumps(ordered, indent=2, allow_nan=False) + "\n").encode("ascii"))


def read_case(folder: Path) -> CaseFile:
    """Read the file of a case. Raises UsageError for a folder that is not a case."""
    try:
        return CaseFile.model_validate(json_within(read_below(folder, FILE_NAME, LARGEST_BYTES)))
    except OSError as error:
        raise UsageError(
            f"{str(folder)!r} is not a finished case: its {FILE_NAME} cannot be read ({error.strerror}). Give a folder that "
            "`mesorch batch` made."
        ) from error
    except ValidationError as error:
        raise UsageError(
            f"{str(folder / FILE_NAME)!r} is not a case of this version, {first_problem(error)}. Use the version that "
            "made it."
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{str(folder / FILE_NAME)!r} is not a case: {error}. Expected {SCHEMA}, as `mesorch batch` writes it."
        ) from error
