"""Blocks of tags in files (EXIF, XMP, IPTC): read by name, bounded, never trusted."""
