"""Bytes to pixels, honestly: nothing changed without a word, damage found before any forensic claim."""

from mesorch_cli.evidence.decoding.reader import read_photo
from mesorch_cli.evidence.photo import Decode, Integrity, Photo, ReadOptions

__all__ = ["Decode", "Integrity", "Photo", "ReadOptions", "read_photo"]
