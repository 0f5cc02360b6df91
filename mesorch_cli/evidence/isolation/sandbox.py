"""What a process that decodes suspect files gives up before it opens the first: see docs/evidence.md for what is left.

Each part is taken where the system has it. What is in force is returned by name and stands in the record of every photo.
"""

import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass

from mesorch_cli.evidence.isolation import landlock, seccomp

if sys.platform != "win32":
    import resource

PROCESS, LIMITS, NO_NEW_PRIVILEGES = "process", "limits", "no-new-privileges"
LANDLOCK, SECCOMP, NO_PROGRAMS = "landlock", "seccomp", "no-programs"
BYTES_PER_PIXEL = 32  # of one file of pixels, at most: four channels of 64-bit samples
MAPPED_BYTES = 1 << 36  # of addresses for files that are mapped, beside the pixels: a TIFF of up to 64 GiB
OPEN_FILES = 256


@dataclass(frozen=True)
class Bounds:
    """Hard limits of a process.

    cpu_s: processor time over its whole life. memory_bytes: of its own, mapped files not counted. pixels: of one photo, which
    bounds the files that it may write.
    """

    cpu_s: int
    memory_bytes: int
    pixels: int


def enter(bounds: Bounds, *, programs: bool) -> list[str]:
    """Give up all that decoding does not need, for good; returns the names of what is in force.

    To be called when everything that writes or starts threads was imported. programs: whether ExifTool may be started; it
    inherits all the rest.
    """
    _die_first()
    tempfile.gettempdir()  # found by writing a file, which is over after this
    in_force = [PROCESS]
    _limit(bounds)
    in_force.append(LIMITS)
    unprivileged = seccomp.gain_no_privileges()  # both of the next demand it
    if unprivileged:
        in_force.append(NO_NEW_PRIVILEGES)
    if unprivileged and landlock.restrict(programs=programs):
        in_force.append(LANDLOCK)
    # Who starts a program opens /dev/null for it; Landlock allows that and nothing else.
    opening = programs and LANDLOCK in in_force
    if unprivileged and seccomp.install(programs=programs, opening=opening):
        in_force.append(SECCOMP)
        if not programs:
            in_force.append(NO_PROGRAMS)
    return in_force


def _limit(bounds: Bounds) -> None:
    """Set hard limits, never above what the system allows. A number of processes is none: it counts all of the user's."""
    written = bounds.pixels * BYTES_PER_PIXEL + (1 << 30)
    limits = {
        resource.RLIMIT_CORE: 0,  # a core dump would write evidence to the disk
        resource.RLIMIT_DATA: bounds.memory_bytes,
        resource.RLIMIT_CPU: bounds.cpu_s,
        resource.RLIMIT_FSIZE: written,
        resource.RLIMIT_NOFILE: OPEN_FILES,
    }
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = _addresses() + bounds.memory_bytes + 2 * written + MAPPED_BYTES
    for what, value in limits.items():
        _, hard = resource.getrlimit(what)
        lowered = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (lowered, lowered))


def _die_first() -> None:
    """Where memory runs out, have the kernel end this process before any other: files in memory are under no limit of it."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:  # noqa: PTH123 - no path of a user's
        file.write(b"1000")


def _addresses() -> int:
    """Return the bytes of addresses that this process has in use."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - no path of a user's
        return int(file.read().split()[0]) * resource.getpagesize()
