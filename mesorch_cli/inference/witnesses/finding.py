"""What a witness says of a photo: how sure it is, which places it means, and what it measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from mesorch_cli.evidence.orientation import Box


@dataclass(frozen=True)
class Finding:
    """One thing that one witness found.

    witness: its name. certainty: 0..1; for what it stands, each witness says. places: (role, box in pixels of the stored
    raster), in the witness's order; none where the finding is of the whole photo. measures: numbers by name, rounded to the
    digits that records keep.
    """

    witness: str
    certainty: float
    places: tuple[tuple[str, Box], ...]
    measures: Mapping[str, float]
