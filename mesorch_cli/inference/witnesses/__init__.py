"""What looks at a photo beside the network, and says something about places in it: one room per witness, one list."""
