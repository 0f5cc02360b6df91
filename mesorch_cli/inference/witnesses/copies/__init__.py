"""The search for copies: parts of a photo that match other parts of it."""
