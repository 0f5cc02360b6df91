"""Files for other runtimes with the same answers as PyTorch, and the gate that each file must pass."""
