"""Which runtime runs weights in a .safetensors file: ONNX Runtime on a CPU where it can, otherwise PyTorch."""

import os
import platform
import sys
from pathlib import Path
from typing import Literal

from mesorch_cli.extras import installed

Runtime = Literal["auto", "onnx", "torch"]

# What a driver for a GPU leaves on a Linux machine: NVIDIA's, that of Windows below WSL, AMD's.
DEVICE_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd", "/dev/nvhost-gpu", "/dev/nvgpu")
WINDOWS_DRIVERS = ("nvcuda.dll", "amdhip64.dll")


def wants_cpu(device: str) -> bool:
    """Return whether a device, as an option names it, is the CPU of this machine.

    `auto` is decided as PyTorch decides it. PyTorch is asked only where there could be a GPU that it can use, because
    importing it takes longer than a small photo.
    """
    if device != "auto":
        return device == "cpu"
    if not (may_have_gpu() and installed("torch")):
        return True
    from mesorch_cli.inference.backends.eager import choose_device

    return choose_device(device).type == "cpu"


def may_have_gpu() -> bool:
    """Return whether this machine could have a GPU that PyTorch can use. A wrong yes costs only time."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        system = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32"
        return any((system / name).exists() for name in WINDOWS_DRIVERS)
    return any(Path(name).exists() for name in DEVICE_FILES)
