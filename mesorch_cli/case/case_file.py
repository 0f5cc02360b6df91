"""`case.json`: what a case is about, how it was analysed, and what came of it in numbers."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from mesorch_cli.case.outputs import write_whole
from mesorch_cli.errors import UsageError

FILE_NAME = "case.json"
SCHEMA: Literal["mesorch.case/1"] = "mesorch.case/1"


class CaseFile(BaseModel):
    """The whole file.

    evidence: the folder as it was given. settings: of the engine, readable; settings_sha256: what every record has.
    selection: which files of the folder belong to the case. counts: found = analysed + not_analysed + failed + waiting;
    findings and copies are among the analysed. others: what else lies in the folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["mesorch.case/1"] = Field(default=SCHEMA, alias="schema")
    evidence: str
    settings: dict[str, JsonValue]
    settings_sha256: str
    weights: dict[str, str]
    tool: dict[str, str]
    selection: dict[str, JsonValue]
    counts: dict[str, int]
    others: dict[str, int]

    def write(self, folder: Path) -> None:
        """Write the file into the case. Raises OutputError where that fails."""
        text = json.dumps(self.model_dump(mode="json", by_alias=True), indent=2, allow_nan=False) + "\n"
        write_whole(folder / FILE_NAME, text.encode("ascii"))


def read_case(folder: Path) -> CaseFile:
    """Read the file of a case. Raises UsageError for a folder that is no case."""
    try:
        return CaseFile.model_validate_json((folder / FILE_NAME).read_bytes())
    except OSError as error:
        raise UsageError(
            f"{str(folder)!r} is no case: {FILE_NAME}: {error.strerror}. Make one with `mesorch batch`."
        ) from error
    except ValidationError as error:
        first: Any = error.errors()[0]
        raise UsageError(
            f"{str(folder / FILE_NAME)!r} is no case of this version at {first['loc']}: {first['msg']}. Use the version that "
            "made it."
        ) from error
