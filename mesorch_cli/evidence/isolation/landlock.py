"""Landlock (Linux 5.13 and newer): the kernel stops a process from writing files, by place and not by system call."""

import ctypes
import os
import sys
import tempfile
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, with the same numbers on every machine
_VERSION = 1  # asks for the version of the interface
_BELOW_PATH = 1
_EXECUTE, _WRITE_FILE, _TRUNCATE, _DEVICES = 1 << 0, 1 << 1, 1 << 14, 1 << 15
_CHANGES = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12))  # write, remove, and make anything
_REFER = 1 << 13
_TCP = 3  # bind and connect
_OUTSIDE = 3  # abstract Unix sockets, and signals


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Below(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def restrict(*, programs: bool) -> bool:
    """Stop this thread and its children from writing, starting programs and reaching others. Return whether it holds.

    Unnamed files may be written in the folder for temporary files; the seccomp filter blocks all others there.
    programs: whether programs may be started; they may then write to /dev/null and to no folder. Other threads are not
    bound: call this while there are none.
    """
    if sys.platform != "linux":
        return False
    version = _call(_CREATE, None, 0, _VERSION)
    if version < 1 or len(list(Path("/proc/self/task").iterdir())) > 1:
        return False
    rules = _Rules(
        _CHANGES
        | (0 if programs else _EXECUTE)
        | (_REFER if version >= 2 else 0)
        | (_TRUNCATE if version >= 3 else 0)
        | (_DEVICES if version >= 5 else 0),
        _TCP if version >= 4 else 0,
        _OUTSIDE if version >= 6 else 0,
    )
    size = 8 if version < 4 else 16 if version < 6 else 24  # an older kernel knows a shorter structure
    ruleset = _call(_CREATE, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    try:
        folder = os.open(os.devnull if programs else tempfile.gettempdir(), os.O_PATH | os.O_CLOEXEC)
        try:
            allowed = _Below(_WRITE_FILE | (_TRUNCATE if version >= 3 else 0), folder)
            if _call(_ADD, ruleset, _BELOW_PATH, ctypes.byref(allowed), 0) < 0:
                return False
        finally:
            os.close(folder)
        return _call(_RESTRICT, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _call(number: int, *arguments: object) -> int:
    """Make a system call. Returns -1 if it fails."""
    words = [one if not isinstance(one, int) else ctypes.c_long(one) for one in arguments]
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *words))
