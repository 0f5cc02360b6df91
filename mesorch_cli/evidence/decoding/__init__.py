"""From bytes to a Photo: the checks before decoding, the decoders, a second decoder for comparison, and the entry point."""
