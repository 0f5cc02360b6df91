"""Double quantisation: parts of a JPEG that were compressed once where the rest was compressed twice."""
