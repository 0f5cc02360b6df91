"""The file formats that are read, and how a file's format is recognised."""
