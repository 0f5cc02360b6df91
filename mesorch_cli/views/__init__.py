"""Pictures drawn from the pixels for the examiner's own eye; no verdict is taken from them."""
