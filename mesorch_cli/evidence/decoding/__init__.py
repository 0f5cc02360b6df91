"""From bytes to a Photo: the gate before decoding, the decoders, a second decoder beside them, and the door."""
