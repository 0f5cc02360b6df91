"""`mesorch info`: describe this installation, for a report or an issue."""

from typing import TYPE_CHECKING

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard
from mesorch_cli.errors import WeightsError

if TYPE_CHECKING:
    from mesorch_cli.network.store import StoredWeights


def info(as_json: options.Json = False) -> None:
    """Show the versions, devices and weights of this installation.

    Example: mesorch info --json
    """
    with guard(printing=True):
        from mesorch_cli.examination.record import tool_versions
        from mesorch_cli.network.header import read_passport
        from mesorch_cli.network.store import list_weights

        def described(stored: "StoredWeights") -> str:
            try:
                return f"{stored.name} {read_passport(stored.path).version} ({stored.origin})"
            except WeightsError:
                return f"{stored.name} ({stored.origin}, cannot be used, see `mesorch weights verify {stored.name}`)"

        values = {
            **tool_versions({package: _version(package) for package in ("torch", "onnxruntime", "openvino")}),
            **_devices(),
            "weights": ", ".join(map(described, list_weights())) or "none",
        }
        if as_json:
            console.write_json(values)
        else:
            console.show_table("mesorch", ["what", "value"], [[key, value] for key, value in values.items()])


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> dict[str, str]:
    """Return the devices that PyTorch can use; empty if it is not installed."""
    try:
        import torch
    except ModuleNotFoundError:
        return {}
    cuda = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "cuda": ", ".join(cuda) or "none",
        "mps": "yes" if torch.backends.mps.is_available() else "no",
    }
