"""Find where a photo was manipulated: localisation map, image score and a repeatable record, offline.

From Python, call `mesorch_cli.detect("photo.jpg")`; see docs/python.md. The names below are stable. Importing this
package is fast and does not load PyTorch: each name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mesorch_cli.offline import go_offline

if TYPE_CHECKING:
    from mesorch_cli.errors import InputError, MesorchError, UsageError, WeightsError
    from mesorch_cli.inference.detection import Detection
    from mesorch_cli.inference.detector import Detector, detect
    from mesorch_cli.inference.regions import Region
    from mesorch_cli.inference.scoring import Verdict
    from mesorch_cli.inference.settings import Overrides
    from mesorch_cli.inference.witnesses.finding import Finding

__version__ = "0.8.0"

__all__ = [
    "Detection",
    "Detector",
    "Finding",
    "InputError",
    "MesorchError",
    "Overrides",
    "Region",
    "UsageError",
    "Verdict",
    "WeightsError",
    "__version__",
    "detect",
]

_HOMES = {
    "Detection": "inference.detection",
    "Detector": "inference.detector",
    "Finding": "inference.witnesses.finding",
    "InputError": "errors",
    "MesorchError": "errors",
    "Overrides": "inference.settings",
    "Region": "inference.regions",
    "UsageError": "errors",
    "Verdict": "inference.scoring",
    "WeightsError": "errors",
    "detect": "inference.detector",
}

go_offline()


def __getattr__(name: str) -> Any:
    """Return a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
