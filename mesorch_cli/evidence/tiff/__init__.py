"""TIFF: its directories, its kinds, and the samples of its pages."""
