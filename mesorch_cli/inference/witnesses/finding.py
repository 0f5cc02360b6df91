"""A witness's finding: its certainty, its places, its measurements, and its geometry."""

from collections.abc import Mapping
from dataclasses import dataclass

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.inference.witnesses.geometry import Geometry


@dataclass(frozen=True)
class Finding:
    """One finding of one witness.

    witness: its name. certainty: 0..1, with a meaning that each witness states. places: (role, box in pixels of the
    stored raster), in the witness's order; none if the finding is about the whole photo. measures: numbers by name,
    rounded to the digits that records keep. geometry: for drawings, what the boxes of the places do not say; None for a
    witness that has nothing more exact.
    """

    witness: str
    certainty: float
    places: tuple[tuple[str, Box], ...]
    measures: Mapping[str, float]
    geometry: Geometry | None = None
