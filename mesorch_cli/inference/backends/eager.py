"""PyTorch, eager: the inference form of a loaded network. All other backends are compared with it."""

from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.backends.protocol import MOST_LANES, Tiles
from mesorch_cli.inference.settings import Precision
from mesorch_cli.network.families import family_of
from mesorch_cli.network.localiser import Localiser
from mesorch_cli.network.normalise import normalise

CPU_TILE_BATCH = 1  # four tiles at once take 1.5 times as long each, as they do not fit the caches
GPU_TILE_BATCH = 16
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(wanted: str) -> torch.device:
    """Return the device that `auto`, `cpu`, `cuda`, `cuda:N` or `mps` means here.

    Raises UsageError for a missing device, as an examiner who asked for one must not silently get another.
    """
    has_mps = torch.backends.mps.is_available()
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise UsageError(f"Unknown device {wanted!r}. Expected auto, cpu, cuda, cuda:N or mps.") from error
    there = {
        "cpu": device.index in (None, 0),
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": has_mps,
    }
    if device.type not in there:
        raise UsageError(f"Unknown device {wanted!r}. Expected auto, cpu, cuda, cuda:N or mps.")
    if not there[device.type]:
        raise UsageError(f"There is no device {wanted!r}, only {torch.cuda.device_count()} CUDA devices. Try auto.")
    return device


class TorchBackend:
    """The inference form of a network in PyTorch, on one device. The network itself is unchanged."""

    name = "torch"
    bits = 16

    def __init__(self, network: Localiser, device: str = "auto", precision: Precision = "fp32") -> None:
        self._device = choose_device(device)
        if precision == "fp16" and self._device.type == "cpu":
            raise UsageError("--precision fp16 needs a GPU. Expected fp32 or bf16 on a CPU.")
        self.device = str(self._device)
        self._threads = torch.get_num_threads()
        self.runtime = {"torch": version("torch"), "threads": str(self._threads)}
        self._precision = precision
        on_cpu = self._device.type == "cpu"
        self.tile_batch = CPU_TILE_BATCH if on_cpu else GPU_TILE_BATCH
        self.lanes = min(MOST_LANES, self._threads) if on_cpu else 1
        torch.set_num_threads(1)  # sums of folded values would depend on their number, in the last bit
        try:
            self._network = family_of(network.config).fold(network).to(self._device)
        finally:
            torch.set_num_threads(self._threads)

    def __call__(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:
        return self._run(self._network, tiles, at_once)

    def explained(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:
        """Return the logits of a plain call and what they were made of, see `Localiser.explained`."""
        return self._run(self._network.explained, tiles, at_once)

    def _run(self, function: Callable[[torch.Tensor], torch.Tensor], tiles: Tiles, at_once: int) -> NDArray[np.float32]:
        torch.set_num_threads(max(1, self._threads // at_once))  # of the calling thread
        reduced = self._precision != "fp32"
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, DTYPES.get(self._precision, torch.bfloat16), enabled=reduced),
        ):
            try:
                batch = (
                    torch.from_numpy(normalise(tiles)).to(self._device).contiguous(memory_format=torch.channels_last)
                )
                result: NDArray[np.float32] = function(batch).float().cpu().numpy()
            except RuntimeError as error:
                if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
                    raise MemoryError(str(error)) from error
                raise
        return result
