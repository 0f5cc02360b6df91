"""The device, arithmetic and processes of a run, through Lightning Fabric."""

import logging
import os

from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.backends import choose_device

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}


def open_runtime(device: str = "cpu", processes: int | None = None, precision: str = "fp32") -> Fabric:
    """Return a launched runtime.

    device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`. processes: how many to start on this machine; under `torchrun`
    they exist already, and a number must match. Returns in each of them, with a group that joins them (gloo on CPUs,
    NCCL on GPUs). Raises UsageError for contradictions.
    """
    # Fabric greets the user, which is up to the command line.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    chosen = choose_device(device)
    local, machines = _launched()
    if local is not None and processes not in (None, local):
        raise UsageError(f"--devices {processes} contradicts torchrun with {local} per machine. Leave it out.")
    count = local or processes or 1
    together = count * machines
    if chosen.index is not None and together > 1:
        raise UsageError(f"{device!r} is one device for {together} processes. Give only its kind: {chosen.type}.")
    if chosen.type == "mps" and together > 1:
        raise UsageError(f"mps supports one process, not {together}.")
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
    """Return the total number of processes of a run, before any is started."""
    local, machines = _launched()
    return (local or processes or 1) * machines


def _launched() -> tuple[int | None, int]:
    """Return the processes on this machine (None unless several were started) and the number of machines."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None, 1
    local, world = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    if world % local:
        raise UsageError(f"{world} processes with {local} on this machine. Expected the same number on every machine.")
    return local, world // local


def close_runtime() -> None:
    """Leave the group of processes, if there is one."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
