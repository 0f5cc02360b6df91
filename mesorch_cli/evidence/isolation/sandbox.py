"""What a decoding process gives up before it opens a suspect file. See docs/evidence.md for what it keeps.

Each part is used if the system has it. The parts in force are returned by name and appear in every photo's record.
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

    cpu_s: processor time over its whole life. memory_bytes: of its own, mapped files not counted. pixels: of one photo,
    which bounds the files that it may write.
    """

    cpu_s: int
    memory_bytes: int
    pixels: int


def enter(bounds: Bounds, *, programs: bool) -> list[str]:
    """Give up everything that decoding does not need, for good. Return the names of the parts in force.

    Call this after importing everything that writes or starts threads. programs: whether ExifTool may be started; it
    inherits all other limits.
    """
    _die_first()
    tempfile.gettempdir()  # finding it takes writing a file, which is impossible after this
    in_force = [PROCESS]
    _limit(bounds)
    in_force.append(LIMITS)
    unprivileged = seccomp.gain_no_privileges()  # both of the following require it
    if unprivileged:
        in_force.append(NO_NEW_PRIVILEGES)
    if unprivileged and landlock.restrict(programs=programs):
        in_force.append(LANDLOCK)
    # Starting a program opens /dev/null for it. Landlock allows that and nothing else.
    opening = programs and LANDLOCK in in_force
    if unprivileged and seccomp.install(programs=programs, opening=opening):
        in_force.append(SECCOMP)
        if not programs:
            in_force.append(NO_PROGRAMS)
    return in_force


def _limit(bounds: Bounds) -> None:
    """Set hard limits, never above the system's own. A limit of processes would count all of the user's processes."""
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
    """Make the kernel end this process first when memory runs out, as no limit counts its files in memory."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:  # noqa: PTH123 - no path of a user's
        file.write(b"1000")


def _addresses() -> int:
    """Return the bytes of address space that this process uses."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - no path of a user's
        return int(file.read().split()[0]) * resource.getpagesize()
