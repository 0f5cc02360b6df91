"""The trailer that Samsung's phones write after a picture: the names of its parts, and what their editor says about AI.

Samsung does not document it. The layout is that of ExifTool (lib/Image/ExifTool/Samsung.pm): parts, a
directory that begins with SEFH, its length, and SEFT as the last bytes of the file.
"""

import re
import struct
from typing import Any

from mesorch_cli.evidence.photo import Content

MAX_PARTS = 64
MAX_DIRECTORY = 1 << 16  # bytes
MAX_NAME = 64  # bytes of a part's name
MAX_READ = 1 << 18  # bytes of the editor's part that are looked at
EDITOR = "PhotoEditor_Re_Edit_Data"
_ENTRY = struct.Struct("<HHII")  # zero, type, distance back from the directory, size
_GENERATIVE = re.compile(rb'\\?"genAIType\\?"\s*:\s*\\?"?(-?\d{1,9})')


def read_samsung_trailer(data: Content) -> dict[str, Any] | None:
    """Return "parts" (names) and, if the editor says so, "genAIType"; None without a trailer.

    Never raises because of the file. An entry that points outside the file is left out.
    """
    end = len(data)
    if end < 20 or data[end - 4 : end] != b"SEFT":
        return None
    length = int.from_bytes(data[end - 8 : end - 4], "little")
    start = end - 8 - length
    if not 12 <= length <= MAX_DIRECTORY or start < 0 or data[start : start + 4] != b"SEFH":
        return None
    count = int.from_bytes(data[start + 8 : start + 12], "little")
    found: dict[str, Any] = {"parts": []}
    for number in range(min(count, MAX_PARTS, (length - 12) // _ENTRY.size)):
        at = start + 12 + number * _ENTRY.size
        _, _, back, size = _ENTRY.unpack(data[at : at + _ENTRY.size])
        part = start - back
        if part < 0 or size < 8 or part + size > start:
            continue
        name_size = int.from_bytes(data[part + 4 : part + 8], "little")
        if not 0 < name_size <= min(MAX_NAME, size - 8):
            continue
        name = data[part + 8 : part + 8 + name_size].decode("latin-1")
        found["parts"].append(name)
        if name == EDITOR:
            content = data[part + 8 + name_size : part + min(size, MAX_READ)]
            stated = _GENERATIVE.search(content)
            if stated:
                found["genAIType"] = int(stated[1])
    return found
