"""A filter on system calls (seccomp-BPF, Linux): no sockets, new files or programs, and no access to other processes.

It denies calls by name, as the calls for memory, threads and reading are too many and vary too much between versions to
be listed. Other calls still cannot write a file or reach a network, as every way there begins with a denied call.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass

NO_NEW_PRIVILEGES = 38  # of prctl
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in the input of a filter; arguments have 8 bytes each
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06  # codes of instructions
_X32 = 0x40000000  # calls by the x32 convention have this bit

_WRITING = os.O_WRONLY | os.O_RDWR
_CREATING = os.O_CREAT | os.O_TRUNC
_NAMELESS = 0o20000000  # the bit of O_TMPFILE that O_DIRECTORY lacks: an unnamed file
_ANONYMOUS_SHARED = 0x21  # memory that no limit of a process counts
_OF_THREADS = 0x10000  # CLONE_THREAD
_TO_OTHERS = (0x5412, 0x541C)  # ioctl: typing into a terminal, TIOCSTI and TIOCLINUX
_OF_FILES = (0x40086602, 0x401C5820)  # ioctl: attributes of files, FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR

# Numbers of the calls on x86_64 and aarch64; 0 if a machine lacks the call.
_DENIED = {
    "network": {
        "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
        "accept": (43, 202), "accept4": (288, 242),
    },
    "other processes": {
        "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
        "process_madvise": (440, 440), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
        "pidfd_send_signal": (424, 424), "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
        "msgget": (68, 186), "msgsnd": (69, 189), "msgctl": (71, 187), "semget": (64, 190), "semctl": (66, 191),
        "mq_open": (240, 180), "mq_unlink": (241, 181),
    },
    "files": {
        "creat": (85, 0), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
        "mkdir": (83, 0), "mkdirat": (258, 34), "mknod": (133, 0), "mknodat": (259, 33), "rmdir": (84, 0),
        "unlink": (87, 0), "unlinkat": (263, 35), "rename": (82, 0), "renameat": (264, 38), "renameat2": (316, 276),
        "link": (86, 0), "linkat": (265, 37), "symlink": (88, 0), "symlinkat": (266, 36), "truncate": (76, 45),
        "chmod": (90, 0), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
        "chown": (92, 0), "fchown": (93, 55), "lchown": (94, 0), "fchownat": (260, 54),
        "utime": (132, 0), "utimes": (235, 0), "utimensat": (280, 88), "futimesat": (261, 0),
        "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
        "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
        "file_setattr": (469, 469),
    },
    "the system": {
        "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
        "move_mount": (429, 429), "open_tree": (428, 428), "open_tree_attr": (467, 467), "fsopen": (430, 430),
        "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
        "setns": (308, 268), "unshare": (272, 97), "bpf": (321, 280), "perf_event_open": (298, 241),
        "userfaultfd": (323, 282), "fanotify_init": (300, 262), "add_key": (248, 217), "request_key": (249, 218),
        "keyctl": (250, 219), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
        "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224),
        "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
        "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
        "sethostname": (170, 161), "setdomainname": (171, 162), "syslog": (103, 116), "vhangup": (153, 58),
        "personality": (135, 92), "iopl": (172, 0), "ioperm": (173, 0), "modify_ldt": (154, 0),
        # Calls through its queues would not pass this filter.
        "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
        "setrlimit": (160, 164),  # root could raise its limits again
    },
}  # fmt: skip
_PROGRAMS = {"execve": (59, 221), "execveat": (322, 281), "fork": (57, 0), "vfork": (58, 0)}
_SIGNALS = {"kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138)} | {
    "rt_tgsigqueueinfo": (297, 240)
}
# Their arguments are in memory, where a filter cannot look. Libraries fall back on the older call.
_UNKNOWN = {"clone3": (435, 435), "openat2": (437, 437)}
_OPEN, _OPENAT, _MMAP, _CLONE, _PRLIMIT, _IOCTL = (2, 0), (257, 56), (9, 222), (56, 220), (302, 261), (16, 29)


@dataclass(frozen=True)
class _Machine:
    """A machine's column in the tables, its name in the kernel, and its number of the seccomp call."""

    column: int
    audit: int
    seccomp: int


_MACHINES = {"x86_64": _Machine(0, 0xC000003E, 317), "aarch64": _Machine(1, 0xC00000B7, 277)}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def filter_program(machine: str, process: int, *, programs: bool, opening: bool = False) -> bytes:
    """Return the filter's instructions for a machine. Raises KeyError if its numbers are unknown.

    process: the only process that may receive signals. programs: whether programs may be started (they inherit the
    filter) and may receive signals. opening: whether existing files may be opened for writing, if Landlock decides
    which.
    """
    known = _MACHINES[machine]
    code: list[tuple[int, int, int, int]] = []

    def add(kind: int, value: int, yes: int = 0, no: int = 0) -> None:
        code.append((kind, yes, no, value))

    def refuse(reason: int) -> None:
        add(_RETURN, _REFUSE | reason)

    def on_call(numbers: tuple[int, int], inside: list[tuple[int, int, int, int]]) -> None:
        """Add the instructions for one call. Every path through `inside` ends in a return."""
        if numbers[known.column]:
            add(_EQUAL, numbers[known.column], 0, len(inside))
            code.extend(inside)

    denied = (_RETURN, 0, 0, _REFUSE | errno.EPERM)
    allowed = (_RETURN, 0, 0, _ALLOW)

    def argument(place: int, *, high: bool = False) -> tuple[int, int, int, int]:
        return (_LOAD, 0, 0, _ARGUMENTS + 8 * place + (4 if high else 0))

    def unless(*tests: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
        """Return instructions that end in a refusal. The tests jump to it, or fall through to the permission."""
        return [*tests, allowed, denied]

    add(_LOAD, _ARCHITECTURE)
    add(_EQUAL, known.audit, 1, 0)
    add(_RETURN, _KILL)
    add(_LOAD, _NUMBER)
    if machine == "x86_64":
        add(_AT_LEAST, _X32, 0, 1)
        refuse(errno.EPERM)
    for place, numbers in ((1, _OPEN), (2, _OPENAT)):
        nameless = [(_ANY_BIT, 0, 1, _NAMELESS), (_ANY_BIT, 2, 1, os.O_CREAT)]
        on_call(
            numbers,
            [argument(place), *unless(*nameless, (_ANY_BIT, 1, 0, _CREATING if opening else _WRITING | _CREATING))],
        )
    on_call(_MMAP, [argument(3), *unless((_AND, 0, 0, _ANONYMOUS_SHARED), (_EQUAL, 1, 0, _ANONYMOUS_SHARED))])
    on_call(
        _PRLIMIT,
        [argument(2), *unless((_EQUAL, 0, 3, 0), argument(2, high=True), (_EQUAL, 0, 1, 0))],
    )
    last = len(_TO_OTHERS + _OF_FILES)
    calls = [(_EQUAL, last - number, 0, value) for number, value in enumerate(_TO_OTHERS + _OF_FILES)]
    on_call(_IOCTL, [argument(1), *unless(*calls)])
    if not programs:
        on_call(_CLONE, [argument(0), *unless((_ANY_BIT, 0, 1, _OF_THREADS))])
        for numbers in _SIGNALS.values():
            on_call(numbers, [argument(0), *unless((_EQUAL, 0, 1, process))])
    for group in (*_DENIED.values(), *([] if programs else [_PROGRAMS])):
        for numbers in group.values():
            on_call(numbers, [denied])
    for numbers in _UNKNOWN.values():
        on_call(numbers, [(_RETURN, 0, 0, _REFUSE | errno.ENOSYS)])
    code.append(allowed)
    return b"".join(struct.pack("<HBBI", kind, yes, no, value) for kind, yes, no, value in code)


def gain_no_privileges() -> bool:
    """Stop this process and its children from gaining rights by starting a program. Return whether it holds."""
    return sys.platform == "linux" and bool(_libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0)


def install(*, programs: bool, opening: bool = False) -> bool:
    """Apply the filter to all threads of this process, for good. Return whether it holds.

    It holds only on Linux on x86_64 and aarch64, with a kernel that supports it.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _MACHINES or struct.calcsize("P") != 8 or sys.byteorder != "little":
        return False
    instructions = filter_program(machine, os.getpid(), programs=programs, opening=opening)
    program = _Program(len(instructions) // 8, instructions)
    done = _libc().syscall(
        ctypes.c_long(_MACHINES[machine].seccomp),
        ctypes.c_long(_SET_MODE_FILTER),
        ctypes.c_long(_ALL_THREADS),
        ctypes.byref(program),
    )
    return bool(done == 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
