"""From bytes to pixels: every change is recorded, and damage is found before any forensic claim.

The names below are imported when they are first used: a command that has its photos decoded in another process needs no
decoder of its own.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mesorch_cli.evidence.decoding.reader import read_photo
    from mesorch_cli.evidence.photo import Decode, Integrity, Photo, ReadOptions

__all__ = ["Decode", "Integrity", "Photo", "ReadOptions", "read_photo"]


def __getattr__(name: str) -> Any:
    """Return a public name from its module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "decoding.reader" if name == "read_photo" else "photo"
    return getattr(import_module(f"{__name__}.{home}"), name)
