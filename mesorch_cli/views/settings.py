"""Settings of the views."""

from dataclasses import dataclass

from mesorch_cli.errors import UsageError


@dataclass(frozen=True)
class Rectangle:
    """A part of the stored raster, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    MOST = 1024  # pixels a side; more cannot be shown with every pixel visible

    def __post_init__(self) -> None:
        if min(self.x, self.y) < 0 or not (1 <= self.width <= self.MOST and 1 <= self.height <= self.MOST):
            raise UsageError(
                f"--zoom {self.x},{self.y},{self.width},{self.height} is out of range. Expected X,Y,W,H with X and Y "
                f"at least 0, and W and H from 1 to {self.MOST}."
            )

    @classmethod
    def parsed(cls, text: str) -> "Rectangle":
        """Parse X,Y,W,H. Raises UsageError for anything else."""
        parts = text.split(",")
        if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 8 for part in parts):
            raise UsageError(
                f"--zoom {text!r} is no rectangle. Expected four whole numbers X,Y,W,H, such as 120,80,64,48."
            )
        return cls(*map(int, parts))


@dataclass(frozen=True)
class ViewSettings:
    """ela_quality: of the JPEG for comparison, 1..100. zoom: the part shown pixel by pixel, or none."""

    ela_quality: int = 90
    zoom: Rectangle | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.ela_quality <= 100:
            raise UsageError(f"--ela-quality {self.ela_quality} is out of range. Expected 1 to 100.")
