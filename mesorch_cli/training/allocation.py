"""How this process gets memory: what is freed is kept for the next step, instead of going back to the system.

glibc gives large blocks back to the system as soon as they are freed. A training step frees all of its activations, and
the next one takes the same amount again. The system must hand it out page by page and fill every page with zeros first,
which took a quarter of a step's time where it was measured (`benchmarks/training_speed.py`).
"""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # parameters of glibc's mallopt, see malloc.h
_NEVER = -1  # a threshold that is never reached


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory until the process ends. Return False where it is not glibc, unchanged.

    It applies to the whole process, so it is up to the program, not to code that others may import. Results do not depend
    on it. The process does not shrink any more, but takes hardly more than its highest need.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl has no such function
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    # Large blocks come from the heap, not from mappings of their own, and the heap never shrinks.
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _NEVER))
