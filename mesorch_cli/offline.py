"""No telemetry: what libraries would report to their makers is switched off before any of them is imported.

Importing `mesorch_cli` does this, so it applies in every process: the command line, its workers, a Ray cluster's.
"""

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

# What each library reads before its first line runs. Existing values are overwritten, as a variable left over from
# other work must not switch telemetry on.
SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime: no device id, no database of events, no upload
    "DO_NOT_TRACK": "1",  # several libraries honour it
    "HF_HUB_OFFLINE": "1",  # timm imports huggingface_hub
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYDANTIC_DISABLE_PLUGINS": "1",  # pydantic: a plugin of another package would see every record; none is looked for
}
REFUSED = "openvino_telemetry"  # OpenVINO has no switch, but uses a stub if this package cannot be imported
HOME_VARIABLE = "MESORCH_HOME"


def data_folder() -> Path:
    """Return the only folder that the tool keeps: `$MESORCH_HOME`, or one below the user's data folder."""
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home)
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "mesorch"


def go_offline() -> None:
    """Switch telemetry off in this process and its children, for libraries not yet imported."""
    os.environ.update(SWITCHES)
    # matplotlib caches a list of fonts. Without this, it would be written to the user's own cache and configuration.
    with suppress(RuntimeError):  # without a home folder, matplotlib uses a temporary one
        os.environ.setdefault("MPLCONFIGDIR", str(data_folder() / "matplotlib"))
    sys.modules.setdefault(REFUSED, None)  # type: ignore[arg-type]  # None: importing it raises ImportError


def import_silent(name: str) -> ModuleType:
    """Import a runtime and also switch its telemetry off directly, as it may have been imported before this package.

    Raises ModuleNotFoundError as an import does.
    """
    module = importlib.import_module(name)
    if name == "onnxruntime":
        module.disable_telemetry_events()
    telemetry = sys.modules.get(REFUSED)
    if name == "openvino" and telemetry is not None:
        telemetry.Telemetry().consent = False  # the single instance, made by `import openvino`
    return module
