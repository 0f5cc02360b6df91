"""What an exported file says about itself: the passport, its source, and checksums that tie both to the graph.

The seal consists of these and is stored in the file's metadata. A sidecar beside the file repeats it, with the SHA-256
of every file of the export and the parity figures.
"""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from mesorch_cli.bounds import json_within
from mesorch_cli.errors import MesorchError, WeightsError
from mesorch_cli.network.contents import read_ordinary
from mesorch_cli.network.passport import MOST_TEXT, Passport, plain_digest, with_checksum
from mesorch_cli.network.rules import Sha256
from mesorch_cli.validation import first_problem

SCHEMA: Literal["mesorch.export/1"] = "mesorch.export/1"
SEAL_KEY = "mesorch.export"
CHECKSUM = "seal_sha256"
SIDECAR_SUFFIX = ".json"  # after the whole name: model.onnx.json
MOST_SIDECAR = 16 * 1024 * 1024

Format = Literal["onnx", "torch", "openvino"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourcePart(_Part):
    """The weights that the file was made from."""

    name: str
    sha256: Sha256


class Seal(_Part):
    """The passport inside an exported file, with the checksums of everything.

    graph_sha256: of the graph beside it, as each format's room computes it; of OpenVINO the constants. topology_sha256:
    of OpenVINO's .xml without this text. seal_sha256: of all of this text but itself. The last two are None in files of
    earlier versions, whose checksums leave the topology or the passport out.
    """

    schema_: Literal["mesorch.export/1"] = Field(default=SCHEMA, alias="schema")
    format: Format
    precision: Literal["fp32", "fp16"]
    source: SourcePart
    graph_sha256: Sha256
    topology_sha256: Sha256 | None = None
    passport: Passport
    seal_sha256: Sha256 | None = None

    def to_json(self) -> str:
        """Return the seal as the JSON text that a file carries, its own checksum made here."""
        return with_checksum(self.model_dump_json(by_alias=True), CHECKSUM)

    @property
    def uncovered(self) -> str | None:
        """Return what no checksum covers, in words; None where one covers everything."""
        if self.seal_sha256 is None:
            return "the passport"
        return "the topology" if self.format == "openvino" and self.topology_sha256 is None else None


class Sidecar(_Part):
    """What lies beside an exported file. files: name -> SHA-256. versions: of what made and checked it.

    parity: as the gate measured it, see `export.parity`.
    """

    schema_: Literal["mesorch.export/1"] = Field(default=SCHEMA, alias="schema")
    files: dict[str, Sha256]
    seal: Seal
    versions: dict[str, str]
    parity: dict[str, JsonValue]


def parse_seal(text: str | None, path: Path) -> Seal:
    """Read the seal of a file. Raises WeightsError if there is none, or one of another version."""
    if not text:
        raise WeightsError(
            f"{path} has no passport, so its network and use are unknown. Expected the metadata "
            f"entry `{SEAL_KEY}`: make the file with `mesorch export`."
        )
    try:
        values = json_within(text, most_bytes=MOST_TEXT)
        seal = Seal.model_validate(values)
    except ValidationError as error:
        raise WeightsError(
            f"The passport in {path} is not of this version, {first_problem(error)}. Expected {SCHEMA}. Export the "
            "weights again with this version of `mesorch export`."
        ) from error
    except ValueError as error:
        raise WeightsError(
            f"The passport in {path} is not valid: {error}. Expected {SCHEMA}. Get the file again."
        ) from error
    except MesorchError as error:  # a NetworkConfig that refuses its values
        raise WeightsError(f"The passport in {path} describes no network of this program: {error}") from error
    if seal.seal_sha256 is not None:
        digest = plain_digest(values, CHECKSUM)
        if digest != seal.seal_sha256:
            raise WeightsError(
                f"The passport in {path} has the checksum {digest[:16]}..., its own entry says "
                f"{seal.seal_sha256[:16]}.... A value in it was changed: export the weights again."
            )
    return seal


def require_graph(recorded_sha256: str, graph_sha256: str, path: Path) -> None:
    """Raise WeightsError unless the seal was made for this graph."""
    if recorded_sha256 != graph_sha256:
        raise WeightsError(
            f"The passport in {path} belongs to another network: it was made for a graph with the SHA-256 "
            f"{recorded_sha256[:16]}..., this one has {graph_sha256[:16]}.... The file was changed, damaged or put "
            "together from two: export the weights again."
        )


def sidecar_of(path: Path) -> Path:
    """Return the path of an exported file's sidecar."""
    return path.with_name(path.name + SIDECAR_SUFFIX)


def require_sidecar(path: Path, digests: dict[str, str]) -> None:
    """Compare files with the sidecar beside them, if there is one. digests: SHA-256 by name. Raises WeightsError."""
    sidecar = sidecar_of(path)
    if not sidecar.exists():
        return
    try:
        recorded = Sidecar.model_validate(json_within(read_ordinary(sidecar, MOST_SIDECAR))).files
    except (ValueError, MesorchError) as error:
        problem = first_problem(error) if isinstance(error, ValidationError) else str(error)
        raise WeightsError(
            f"Cannot read {sidecar} as the sidecar of {path.name}: {problem}. Export the weights again, "
            "or take the sidecar away: the passport inside the file stays."
        ) from error
    for name, digest in digests.items():
        if recorded.get(name) != digest:
            raise WeightsError(
                f"{path.with_name(name)} has the SHA-256 {digest[:16]}..., {sidecar.name} beside it records "
                f"{str(recorded.get(name))[:16]}.... The file was changed or damaged: export the weights again."
            )


def joint_sha256(files: dict[str, bytes]) -> str:
    """Return the SHA-256 that records use for an export: of its file, or of all its files in sequence."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(files[name])
    return digest.hexdigest()
