"""What a passport states of a network, whatever its family."""

from typing import Protocol

# Pixels: the engine lays its tiles in such steps, so every network takes sides that are multiples of it.
SIDE_MULTIPLE = 32


class Member(Protocol):
    """The configuration of one network: a frozen dataclass that refuses what its family cannot build (UsageError)."""

    @property
    def name(self) -> str: ...

    def to_dict(self) -> dict[str, object]:
        """Return the plain form that a passport keeps. It names its family under "family"; Mesorch, the first, does not."""
        ...
