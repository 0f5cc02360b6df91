"""No word to the outside: what libraries would tell their makers is switched off before any of them is imported.

Importing `mesorch_cli` does this, so that it holds in every process: the command line, its workers, a Ray cluster's.
"""

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

# What each library reads before its first line runs. These are set, not proposed: a variable that was left over from other
# work must not switch telemetry on.
SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime: no device id, no database of events, no upload
    "DO_NOT_TRACK": "1",  # asked by several libraries
    "HF_HUB_OFFLINE": "1",  # timm imports huggingface_hub
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
REFUSED = (
    "openvino_telemetry"  # OpenVINO has no switch, but goes on with a stand-in where this package cannot be imported
)
HOME_VARIABLE = "MESORCH_HOME"


def data_folder() -> Path:
    """Return the only folder that the tool keeps for itself: `$MESORCH_HOME`, else one below the user's data folder."""
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home)
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "mesorch"


def go_offline() -> None:
    """Switch telemetry off in this process and those that it starts, for libraries that are still to be imported."""
    os.environ.update(SWITCHES)
    # Fonts are listed once and kept; without this the list would go below the user's own cache and configuration.
    with suppress(RuntimeError):  # a user without a home folder: matplotlib takes a temporary one by itself
        os.environ.setdefault("MPLCONFIGDIR", str(data_folder() / "matplotlib"))
    sys.modules.setdefault(REFUSED, None)  # type: ignore[arg-type]  # None: importing it raises ImportError


def import_silent(name: str) -> ModuleType:
    """Import a runtime and switch its telemetry off by its own functions too: it may have been imported before this package.

    Raises ModuleNotFoundError as an import does.
    """
    module = importlib.import_module(name)
    if name == "onnxruntime":
        module.disable_telemetry_events()
    telemetry = sys.modules.get(REFUSED)
    if name == "openvino" and telemetry is not None:
        telemetry.Telemetry().consent = False  # the one instance, which `import openvino` has made
    return module
