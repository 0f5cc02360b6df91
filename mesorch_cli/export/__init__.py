"""The same answers outside PyTorch's eager mode: files that other runtimes load, and the gate that each must pass."""
