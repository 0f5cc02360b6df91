"""Blocks of tags as files carry them (EXIF, XMP, IPTC): read by name, bounded, never trusted."""
