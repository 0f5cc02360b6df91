"""Reading in a process of its own that has given up network, writing and programs."""
