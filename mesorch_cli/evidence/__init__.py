"""Bytes to pixels, honestly: nothing changed without a word, damage found before any forensic claim."""

from mesorch_cli.evidence.photo import Decode, Integrity, Photo, ReadOptions
from mesorch_cli.evidence.reader import read_photo

__all__ = ["Decode", "Integrity", "Photo", "ReadOptions", "read_photo"]
