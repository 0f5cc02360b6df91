"""Peak memory of this process alone."""

from pathlib import Path


def peak_mib() -> int:
    """Return the peak resident memory in MiB, of Linux.

    From /proc, since `ru_maxrss` starts at what the parent process held when it started this one.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    raise SystemExit("/proc/self/status has no VmHWM: peak memory is measured on Linux only")
