"""Double quantisation: parts of a JPEG that were compressed once while the rest was compressed twice."""
