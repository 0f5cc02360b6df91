"""The forensic record of one analysis."""
