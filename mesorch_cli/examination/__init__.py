"""One photo, from its bytes to its record and pictures. A case consists of many."""
