"""Compression history: parts of a JPEG whose blocks do not look like the rest, by a small network over DCT coefficients."""
