"""The passport of a weights file: what the weights are, how to use them, and how good they are.

It is stored in the file's metadata. The program contains nothing else about any one set of weights.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, PlainSerializer, PlainValidator, ValidationError

from mesorch_cli import __version__
from mesorch_cli.bounds import json_within
from mesorch_cli.errors import MesorchError, WeightsError
from mesorch_cli.network.families import member_of
from mesorch_cli.network.member import Member
from mesorch_cli.network.rules import InferenceRule, InputRule, Part, ScoreRule, Sha256, Share, ThresholdRule, Words
from mesorch_cli.validation import first_problem

SCHEMA: Literal["mesorch.passport/1"] = "mesorch.passport/1"

CHECKSUM = "passport_sha256"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"  # of weights
MOST_TEXT = 4 * 1024 * 1024  # bytes of a passport

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
TOOL_VERSION = r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}"
ToolVersion = Annotated[str, Field(pattern=rf"^{TOOL_VERSION}$")]
Stated = Annotated[Member, PlainValidator(member_of), PlainSerializer(lambda member: member.to_dict())]


class Passport(Part):
    """Everything that belongs to one set of weights.

    threshold: value of the map above which a pixel counts as manipulated; stored as `pixel_threshold`. photo_threshold:
    a rule that sets it for each photo; None: it is the same for all. tensors_sha256: checksum of the tensors (names,
    types, shapes, bytes), see `weights.tensors_digest`. passport_sha256: checksum of everything else in the passport
    and of tensors_sha256, see `plain_digest`; None in weights of earlier versions, whose checksum covers only the
    tensors. training, figures: plain values from trainer and evaluation. needs_tool: the oldest version of mesorch with
    which the measured figures hold, such as `0.2.0`; None: any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    schema_: Literal["mesorch.passport/1"] = Field(default=SCHEMA, alias="schema")
    name: Name
    version: Annotated[str, Field(max_length=100)]
    network: Stated
    input: InputRule = InputRule()
    inference: InferenceRule = InferenceRule()
    threshold: Annotated[Share, Field(alias="pixel_threshold")] = 0.5
    photo_threshold: ThresholdRule | None = None
    score: ScoreRule = ScoreRule()
    training: dict[str, JsonValue] = Field(default_factory=dict)
    figures: dict[str, JsonValue] = Field(default_factory=dict)
    licence: Words
    limits: Annotated[tuple[Words, ...], Field(max_length=100)] = ()
    needs_tool: ToolVersion | None = None
    tensors_sha256: Sha256 | None = None
    passport_sha256: Sha256 | None = None

    def to_json(self) -> str:
        """Return the passport as the JSON text in a weights file.

        `needs_tool`, `first_look` and `edges` are left out where they are None, because earlier versions refuse unknown
        names.
        """
        unsaid: dict[str, Any] = {} if self.needs_tool else {"needs_tool": True}
        unsaid["inference"] = {name for name in ("first_look", "edges") if getattr(self.inference, name) is None}
        return self.model_dump_json(by_alias=True, exclude=unsaid)


@dataclass(frozen=True)
class WeightsFile:
    """A file with a network in any form: its passport, its path, and the SHA-256 of its bytes."""

    passport: Passport
    path: Path
    sha256: str


def plain_digest(values: dict[str, Any], checksum: str) -> str:
    """Return the SHA-256 of plain values except `checksum`, as sorted JSON without spaces."""
    covered = {name: value for name, value in values.items() if name != checksum}
    return hashlib.sha256(
        json.dumps(covered, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    ).hexdigest()


def with_checksum(text: str, checksum: str = CHECKSUM) -> str:
    """Return a JSON text with its checksum added and the rest unchanged."""
    values = json_within(text)
    return json.dumps(values | {checksum: plain_digest(values, checksum)}, separators=(",", ":"), ensure_ascii=False)


def parse_passport(text: str, origin: str) -> Passport:
    """Read a passport from JSON text. `origin` names the file in the WeightsError for invalid text.

    The text is compared with its own checksum, if it has one.
    """
    try:
        values = json_within(text, most_bytes=MOST_TEXT)
        _require_tool(values, origin)
        passport = Passport.model_validate(values)
    except ValidationError as error:
        raise WeightsError(
            f"The passport of {origin} is not valid {first_problem(error)}. Expected {SCHEMA}. "
            "Use weights made for this version, or import the original file again with `mesorch weights import`."
        ) from error
    except ValueError as error:
        raise WeightsError(
            f"The passport of {origin} is not valid: {error}. Expected {SCHEMA}. Get the file again."
        ) from error
    except WeightsError:
        raise
    except MesorchError as error:  # a NetworkConfig refuses its values
        raise WeightsError(f"The passport of {origin} describes no network that this program knows: {error}") from error
    if passport.passport_sha256 is not None:
        digest = plain_digest(values, CHECKSUM)
        if digest != passport.passport_sha256:
            raise WeightsError(
                f"The passport of {origin} has the checksum {digest[:16]}..., but records "
                f"{passport.passport_sha256[:16]}... A value in it was changed: get the file again from its source."
            )
    return passport


def _require_tool(values: Any, origin: str) -> None:
    """Refuse weights that need a newer version of this program, before meeting names that only that version knows."""
    wanted = values.get("needs_tool") if isinstance(values, dict) else None
    if isinstance(wanted, str) and re.fullmatch(TOOL_VERSION, wanted) and _ordered(wanted) > _ordered(__version__):
        raise WeightsError(
            f"{origin} needs mesorch {wanted} or newer, but this is {__version__}. Update the tool, or use weights "
            "made for this version."
        )


def _ordered(version: str) -> tuple[int, ...]:
    """Return the numbers of a version for comparison. 1.2 and 1.2.0 are the same."""
    numbers = [int(part) for part in re.findall(r"[0-9]+", version)[:4]]
    return (*numbers, 0, 0, 0, 0)[:4]
