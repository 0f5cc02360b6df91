"""Grain: parts of a photo whose finest detail does not look like the rest, by a small network over its blocks."""
