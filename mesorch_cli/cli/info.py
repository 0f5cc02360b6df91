"""`mesorch info`: what this installation is, for a report or a bug."""

from importlib.metadata import version

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard


def info(as_json: options.Json = False) -> None:
    """Show versions, devices and weights of this installation.

    Example: mesorch info --json
    """
    with guard(printing=True):
        import torch

        from mesorch_cli.case.record import tool_versions
        from mesorch_cli.network.store import list_weights

        cuda = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        values = {
            **tool_versions({package: version(package) for package in ("torch", "timm")}),
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "threads": str(torch.get_num_threads()),
            "cuda": ", ".join(cuda) or "none",
            "mps": "yes" if torch.backends.mps.is_available() else "no",
            "weights": ", ".join(f"{stored.name} ({stored.origin})" for stored in list_weights()) or "none",
        }
        if as_json:
            console.write_json(values)
        else:
            console.show_table("mesorch", ["what", "value"], [[key, value] for key, value in values.items()])
