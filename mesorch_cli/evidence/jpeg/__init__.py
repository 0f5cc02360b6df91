"""JPEG: its segments, its Huffman codes, and programs known to write such files."""
