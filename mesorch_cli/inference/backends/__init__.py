"""Backends that run a network: one module per runtime, one protocol. Importing this package imports no runtime."""

from typing import TYPE_CHECKING, Any

from mesorch_cli.inference.backends.protocol import Backend
from mesorch_cli.inference.settings import Precision

if TYPE_CHECKING:
    from mesorch_cli.inference.backends.eager import DTYPES, TorchBackend, choose_device

__all__ = ["DTYPES", "Backend", "Precision", "TorchBackend", "choose_device"]


def __getattr__(name: str) -> Any:
    """Look up the names that need PyTorch when they are asked for."""
    if name in __all__:
        from mesorch_cli.inference.backends import eager

        return getattr(eager, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
