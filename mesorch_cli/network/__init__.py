"""The network: frequency split, two branches, one map per scale, gate; and the files that hold its weights."""
