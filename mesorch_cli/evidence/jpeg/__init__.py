"""JPEG: its segments, its Huffman codes, and who writes files of its kind."""
