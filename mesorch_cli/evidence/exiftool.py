"""What ExifTool says of a file, where it is installed: far more tags than are read here, never required."""

import json
import shutil
import subprocess
from typing import Any

from mesorch_cli.evidence.photo import Content

SECONDS = 30
MAX_TAGS = 1000
MAX_TEXT = 512
MAX_BYTES = 1 << 28  # larger files are not handed on


def read_exiftool(data: Content, notes: list[str]) -> dict[str, Any] | None:
    """Return {"version", "tags"} with tags by "group:name", or None where ExifTool is not installed.

    The bytes go through its standard input and its own configuration is not read, so that it opens no file of the user's.
    """
    program = shutil.which("exiftool")
    if program is None or len(data) > MAX_BYTES:
        return None
    # -config "" first: no start-up file. -G1: groups. -a -u: double and unknown tags too. -fast: not past the end.
    command = [program, "-config", "", "-j", "-G1", "-a", "-u", "-fast", "-api", "LargeFileSupport=1", "-"]
    try:
        version = subprocess.run([program, "-config", "", "-ver"], capture_output=True, timeout=SECONDS, check=True)
        done = subprocess.run(command, input=bytes(data), capture_output=True, timeout=SECONDS, check=False)
        (tags,) = json.loads(done.stdout.decode("utf-8", "replace"))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        notes.append(f"ExifTool is installed and gave no result ({type(error).__name__})")
        return None
    kept = {
        str(name)[:MAX_TEXT]: value if isinstance(value, (int, float)) else str(value)[:MAX_TEXT]
        for name, value in list(tags.items())[:MAX_TAGS]
        if name != "SourceFile" and not str(name).startswith(("System:", "File:File"))
    }
    if len(tags) > MAX_TAGS:
        notes.append(f"ExifTool found {len(tags)} tags; {MAX_TAGS} kept")
    return {"version": version.stdout.decode("ascii", "replace").strip()[:20], "tags": kept}
