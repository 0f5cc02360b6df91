"""From a run's checkpoint to the shipped file: averaged weights in half precision, with a passport."""

from pathlib import Path

from mesorch_cli.network.families import member_named
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.weights import save_weights
from mesorch_cli.training.checkpoint import load_checkpoint
from mesorch_cli.training.result import to_half


def publish(checkpoint: Path, target: Path, passport: Passport) -> str:
    """Write the averaged weights of a checkpoint to `target` with a passport. Return the file's SHA-256."""
    tensors = load_checkpoint(checkpoint).ema
    expected = member_named(passport.network.name)
    if expected != passport.network:
        raise ValueError(f"the passport describes {passport.network}, the run trained {expected}")
    return save_weights(target, to_half({name: tensor.contiguous() for name, tensor in tensors.items()}), passport)
