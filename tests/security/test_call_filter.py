"""The filter on system calls, for both machines, by an interpreter of the few instructions that it uses."""

import errno
import struct
from collections.abc import Callable

import pytest

from mesorch_cli.evidence.isolation.seccomp import filter_program

FILTER_CASES: list[tuple[str, str, list[int], str]] = [
    ("x86_64", "read", [0], "allow"),
    ("aarch64", "read", [0], "allow"),
    *[(machine, "openat", [0, 0, flags], result)
      for machine in ("x86_64", "aarch64")
      for flags, result in ((0, "allow"), (1, "EPERM"), (2, "EPERM"), (0o100, "EPERM"), (0o1000, "EPERM"),
                            (0o2000000, "allow"), (0o20200002, "allow"), (0o20200102, "EPERM"))],
    *[(machine, "mmap", [0, 0, 0, flags], result)
      for machine in ("x86_64", "aarch64") for flags, result in ((0x22, "allow"), (1, "allow"), (0x21, "EPERM"))],
    *[(machine, "prlimit64", [0, 0, new], result)
      for machine in ("x86_64", "aarch64") for new, result in ((0, "allow"), (8, "EPERM"), (1 << 32, "EPERM"))],
    *[(machine, "clone", [flags], result)
      for machine in ("x86_64", "aarch64") for flags, result in ((0x3D0F00, "allow"), (0x11, "EPERM"), (0x4111, "EPERM"))],
    *[(machine, "tgkill", [pid], result)
      for machine in ("x86_64", "aarch64") for pid, result in ((77, "allow"), (1, "EPERM"), (0, "EPERM"))],
    *[(machine, name, [0], result)
      for machine in ("x86_64", "aarch64")
      for name, result in (("socket", "EPERM"), ("execve", "EPERM"), ("clone3", "ENOSYS"), ("ptrace", "EPERM"))],
]  # fmt: skip
NUMBERS = {
    "x86_64": {"read": 0, "openat": 257, "mmap": 9, "prlimit64": 302, "clone": 56, "tgkill": 234, "socket": 41,
               "execve": 59, "clone3": 435, "ptrace": 101},
    "aarch64": {"read": 63, "openat": 56, "mmap": 222, "prlimit64": 261, "clone": 220, "tgkill": 131, "socket": 198,
                "execve": 221, "clone3": 435, "ptrace": 117},
}  # fmt: skip
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "i386": 0x40000003}
CODES: dict[int, Callable[[int, int], bool]] = {
    0x15: lambda value, k: value == k,
    0x35: lambda value, k: value >= k,
    0x45: lambda value, k: bool(value & k),
}


def outcome(program: bytes, audit: int, number: int, arguments: list[int]) -> str:
    """Run a filter as the kernel does: an interpreter of the few instructions that it uses."""
    data = struct.pack("<IIQ6Q", number, audit, 0, *(arguments + [0] * 6)[:6])
    at = value = 0
    while True:
        code, yes, no, k = struct.unpack_from("<HBBI", program, at * 8)
        at += 1
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, k)
        elif code == 0x54:
            value &= k
        elif code == 0x06:
            refused = errno.errorcode[k & 0xFFFF] if k >> 16 == 5 else ""
            return {0x7FFF0000: "allow", 0x80000000: "kill"}.get(k, refused)
        else:
            at += yes if CODES[code](value, k) else no


@pytest.mark.parametrize(("machine", "call", "arguments", "result"), FILTER_CASES)
def test_the_filter_of_either_machine(machine: str, call: str, arguments: list[int], result: str) -> None:
    program = filter_program(machine, 77, programs=False)
    assert len(program) // 8 < 4096
    assert outcome(program, AUDIT[machine], NUMBERS[machine][call], arguments) == result
    assert (
        outcome(program, AUDIT["i386"], NUMBERS[machine][call], arguments) == "kill"
    )  # the numbers of another machine
    opening = filter_program(machine, 77, programs=True, opening=True)
    if call == "openat" and arguments[2] in (1, 2):
        assert outcome(opening, AUDIT[machine], NUMBERS[machine][call], arguments) == "allow"  # Landlock says which
    elif call == "openat":
        assert outcome(opening, AUDIT[machine], NUMBERS[machine][call], arguments) == result
    if call in ("execve", "clone", "tgkill"):
        asked = filter_program(machine, 77, programs=True)
        assert outcome(asked, AUDIT[machine], NUMBERS[machine][call], arguments) == "allow"
    if machine == "x86_64":
        assert outcome(program, AUDIT[machine], NUMBERS[machine][call] | 0x40000000, arguments) == "EPERM"
