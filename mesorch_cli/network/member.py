"""What a passport states about a network, whatever its family."""

from typing import Protocol

# Pixels: the engine places tiles in such steps, so every network accepts sides that are multiples of it.
SIDE_MULTIPLE = 32


class Member(Protocol):
    """The configuration of a network: a frozen dataclass that refuses (UsageError) what its family cannot build."""

    @property
    def name(self) -> str: ...

    def to_dict(self) -> dict[str, object]:
        """Return the plain form for a passport. "family" names the family, except for Mesorch, the first one."""
        ...
