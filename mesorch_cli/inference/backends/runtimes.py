"""What the exported forms share: asking for a runtime that may be missing, and for the arithmetic that the file has."""

import os
from pathlib import Path
from types import ModuleType

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.extras import install_hint
from mesorch_cli.inference.settings import Precision
from mesorch_cli.offline import import_silent

EXTRA = "export"
SHORT_OF_MEMORY = ("allocate", "bad_alloc", "out of memory", "bad allocation")  # in the runtimes' messages
SHOWN = 200  # characters of a runtime's message


def import_runtime(module: str, path: Path) -> ModuleType:
    """Import the package that runs `path`, its telemetry off. Raises UsageError with the extra that brings it."""
    try:
        return import_silent(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise UsageError(
            f"Running {path.name} needs the package {module}, which is not installed: "
            f"{install_hint(EXTRA)}. Or use the .safetensors weights."
        ) from error


def require_precision(wanted: Precision, own: Precision, path: Path) -> None:
    """Raise UsageError if another arithmetic is asked for than the one that the file was exported in."""
    if wanted != own:
        raise UsageError(
            f"--precision {wanted} with {path.name}: the arithmetic of an exported file is part of it, here {own}. "
            f"Leave the option out, or export again with `mesorch export --precision {wanted}`."
        )


def failed_run(path: Path, error: Exception) -> Exception:
    """Return what a runtime's error on a tile stands for: MemoryError where memory was short, else WeightsError.

    A file whose seal holds may still be another program than the seal says: what it does is known only when it runs.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    short = isinstance(error, MemoryError) or any(words in text.lower() for words in SHORT_OF_MEMORY)
    text = text[:SHOWN]
    if short:
        return MemoryError(text)
    return WeightsError(
        f"{path} failed on a tile while it ran ({text}). Expected logits of the tile's size. Get the file again, or "
        "make it with `mesorch export`."
    )


def wanted_threads() -> int:
    """Return the threads that OMP_NUM_THREADS asks for, as PyTorch does; 0: the runtime's own choice."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdecimal() else 0


def available_threads() -> int:
    """Return the threads that calls share out: those that OMP_NUM_THREADS asks for, else one for every processor at hand."""
    at_hand = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return wanted_threads() or at_hand or 1


def threads_of_record() -> dict[str, str]:
    """Return the `threads` of a record: the number that the runtime was given, nothing where it chose itself."""
    return {"threads": str(wanted_threads())} if wanted_threads() else {}
