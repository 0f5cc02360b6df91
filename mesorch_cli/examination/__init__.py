"""One photo from its bytes to its record and pictures; a case is made of many such."""
