"""Find where a photo was manipulated: localisation map, image score and a repeatable record, offline."""

__version__ = "0.1.0"
