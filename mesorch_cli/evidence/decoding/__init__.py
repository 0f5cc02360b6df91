"""From bytes to a Photo: checks before decoding, the decoders, a second decoder for comparison, the entry point."""
