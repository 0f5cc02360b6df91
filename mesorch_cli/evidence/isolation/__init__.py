"""Reading in a separate process that cannot use the network, write files or start programs."""
