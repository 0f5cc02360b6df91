"""Checks the archive of a program of torch.export without PyTorch, and makes one of the parts that may stay.

PyTorch's own reader would unpickle sample inputs, constants and weights, load compiled libraries, look up any dotted
name as an operator, and evaluate expressions as Python. So the archive is taken apart here, every part is compared with
what `mesorch export` writes, and PyTorch gets a new archive with only these parts. What the program itself may say is in
`program_check`.
"""

import io
import json
import math
import re
import zipfile
from typing import Any

from mesorch_cli.bounds import json_within, shown
from mesorch_cli.inference.backends.program_check import (
    DOTTED,
    UnsafeProgramError,
    check_names,
    checked_program,
    whole_number,
)

MOST_ENTRIES = 20_000
MOST_PROGRAM = 64 * 1024 * 1024  # bytes of the program's own JSON; the largest network's has 5 MB
MOST_VALUES = 1 << 30  # of one tensor
MODEL, SAMPLES = "models/model.json", "data/sample_inputs/model.pt"
WEIGHTS, CONSTANTS = "data/weights/model_weights_config.json", "data/constants/model_constants_config.json"
PLAIN = ("archive_format", "archive_version", "byteorder", ".data/version", ".data/serialization_id", ".format_version")
EXTRA = "extra/"  # texts, which PyTorch hands over as they are
TENSOR = re.compile(r"data/(?:weights/weight|constants/tensor)_\d{1,6}")
PLACE = re.compile(r"(?:weight|tensor)_\d{1,6}")
LIBRARY = re.compile(r"data/aotinductor/|\.(?:so|dll|dylib|pyd|cubin|o)$")
PICKLED = re.compile(r"\.pt$|/(?:custom|opaque)_obj_")


def parts_of(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries below the archive's single root folder by name.

    Raises zipfile.BadZipFile for anything that PyTorch does not write: compression, encryption, duplicate names,
    several roots. Nothing is unpacked, so that a small file stays small.
    """
    found: dict[str, zipfile.ZipInfo] = {}
    entries = archive.infolist()
    if not 0 < len(entries) <= MOST_ENTRIES:
        raise zipfile.BadZipFile(f"{len(entries)} entries")
    root = entries[0].filename.split("/")[0]
    for entry in entries:
        folder, _, name = entry.filename.partition("/")
        if folder != root or not name or name in found or "\\" in name or ".." in name.split("/"):
            raise zipfile.BadZipFile(f"an entry {shown(entry.filename)}")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or entry.file_size != entry.compress_size:
            raise zipfile.BadZipFile(f"the entry {shown(name)} is compressed or encrypted")
        found[name] = entry
    return found


def harmless(archive: zipfile.ZipFile) -> bytes:
    """Return a new archive with the checked parts, for PyTorch to load.

    Raises UnsafeProgramError for anything that would be unpickled, constructed, evaluated or run.
    """
    parts = parts_of(archive)
    kept: dict[str, bytes] = {SAMPLES: b""}  # pickled, and not needed to run: PyTorch takes nothing for none
    for name, entry in parts.items():
        if LIBRARY.search(name):
            raise UnsafeProgramError(f"it holds compiled code ({shown(name)})")
        if name in (MODEL, WEIGHTS, CONSTANTS) or name in PLAIN or TENSOR.fullmatch(name):
            kept[name] = archive.read(entry)
        elif name != SAMPLES and not name.startswith(EXTRA):
            kind = "a pickled or custom object" if PICKLED.search(name) else "a part that no export of this program has"
            raise UnsafeProgramError(f"it holds {kind} ({shown(name)})")
    if missing := [name for name in (MODEL, WEIGHTS, CONSTANTS) if name not in kept]:
        raise UnsafeProgramError(f"it lacks {missing[0]}, so that PyTorch would read it in an older way")
    if kept.get("byteorder", b"little") != b"little":
        raise UnsafeProgramError("its numbers are not little-endian")
    try:
        for name in (WEIGHTS, CONSTANTS):
            sizes = {
                key.rpartition("/")[2]: len(data)
                for key, data in kept.items()
                if key.startswith(name[: name.rfind("/")])
            }
            kept[name] = _text(_payload(json_within(kept[name], most_bytes=MOST_PROGRAM), sizes))
        kept[MODEL] = _text(checked_program(json_within(kept[MODEL], most_bytes=MOST_PROGRAM)))
    except UnsafeProgramError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UnsafeProgramError(
            f"its description is not as PyTorch writes it ({type(error).__name__}: {error})"
        ) from error
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as target:
        for name, data in kept.items():
            target.writestr(zipfile.ZipInfo(f"archive/{name}"), data)
    return made.getvalue()


def _text(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _payload(config: Any, sizes: dict[str, int]) -> Any:
    """Check the list of weights or constants: raw tensors on the CPU, each in a part of its own kind."""
    for name, entry in config["config"].items():
        if entry["use_pickle"]:
            raise UnsafeProgramError(f"its tensor {shown(name)} is pickled")
        if not DOTTED.fullmatch(name) or not PLACE.fullmatch(entry["path_name"]):
            raise UnsafeProgramError(f"its constant {shown(name)} is no tensor")
        meta = entry["tensor_meta"]
        shape = [whole_number(side["as_int"]) for side in meta["sizes"]]
        if min(shape, default=0) < 0 or math.prod(shape) > MOST_VALUES:
            raise UnsafeProgramError(f"its tensor {shown(name)} has the shape {shown(shape)}")
        if math.prod(shape) and not sizes.get(entry["path_name"]):
            raise UnsafeProgramError(f"its tensor {shown(name)} has no values")
        check_names(meta, "tensor_meta")
    return {"config": config["config"]}
