"""Witnesses, which examine a photo besides the network and report places in it: one package each, one list."""
