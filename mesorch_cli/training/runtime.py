"""Where a run runs: device, arithmetic and processes, through Lightning Fabric."""

import logging
import os

from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.backends import choose_device

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}


def open_runtime(device: str = "cpu", processes: int | None = None, precision: str = "fp32") -> Fabric:
    """Return a launched runtime.

    device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`. processes: how many on this machine, started here; under `torchrun`
    they are there already, and a number must be theirs. Returns in every one of them, with a group that joins them
    (gloo on CPUs, NCCL on GPUs). Raises UsageError for what does not fit.
    """
    # Fabric greets the user; what there is to say is said by the command line.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    chosen = choose_device(device)
    local, machines = _launched()
    if local is not None and processes not in (None, local):
        raise UsageError(f"--devices {processes} under torchrun with {local} processes a machine: leave it out.")
    count = local or processes or 1
    together = count * machines
    if chosen.index is not None and together > 1:
        raise UsageError(f"The device {device!r} is one, for {together} processes. Give its kind alone: {chosen.type}.")
    if chosen.type == "mps" and together > 1:
        raise UsageError(f"{together} processes on mps: expected one.")
    fabric = Fabric(
        accelerator=chosen.type,
        devices=[chosen.index] if chosen.type == "cuda" and chosen.index is not None else count,
        num_nodes=machines,
        strategy=DDPStrategy() if together > 1 else "auto",
        precision=PRECISIONS[precision],  # type: ignore[arg-type]  # a literal of Fabric's own
    )
    fabric.launch()
    return fabric


def processes_wanted(processes: int | None) -> int:
    """Return how many processes a run will have in all, before any is started."""
    local, machines = _launched()
    return (local or processes or 1) * machines


def _launched() -> tuple[int | None, int]:
    """Return the processes on this machine (None where nobody started several) and the number of machines."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None, 1
    local, world = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    if world % local:
        raise UsageError(f"{world} processes with {local} on this machine: expected as many on every machine.")
    return local, world // local


def close_runtime() -> None:
    """Leave the group of processes, if there is one."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
