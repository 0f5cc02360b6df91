"""From bytes to pixels: every change is recorded, and damage is found before any forensic claim."""

from mesorch_cli.evidence.decoding.reader import read_photo
from mesorch_cli.evidence.photo import Decode, Integrity, Photo, ReadOptions

__all__ = ["Decode", "Integrity", "Photo", "ReadOptions", "read_photo"]
