"""No command needs a network: each runs in a process in which no internet socket can be made, by Python or by a library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from mesorch_cli.cli.app import app
from tests.cli.every_command import DRIVER, every_command

# Loaded by every Python process below the test. On Linux the kernel refuses the sockets, so that native code and child
# processes cannot make any either; elsewhere Python's own socket class does.
BLOCK = """
import ctypes, platform, socket, struct, sys

def refuse():
    number = {"x86_64": 41, "aarch64": 198}.get(platform.machine())
    if not sys.platform.startswith("linux") or number is None:
        return False
    def step(code, jt, jf, k):
        return struct.pack("HBBI", code, jt, jf, k)
    allow, deny = 0x7FFF0000, 0x00050000 | 13
    program = b"".join((
        step(0x20, 0, 0, 0),          # load the number of the system call
        step(0x15, 0, 4, number),     # is it socket()?
        step(0x20, 0, 0, 16),         # load its first argument, the family
        step(0x15, 1, 0, 2),          # AF_INET
        step(0x15, 0, 1, 10),         # AF_INET6
        step(0x06, 0, 0, deny),
        step(0x06, 0, 0, allow),
    ))
    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]
    kept = ctypes.create_string_buffer(program)
    found = Filter(len(program) // 8, ctypes.addressof(kept))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.addressof(found), 0, 0):
        raise OSError(ctypes.get_errno(), "the filter was not taken")
    return True

refuse()
real = socket.socket.__init__
def checked(self, family=-1, *rest, **more):
    if family in (-1, socket.AF_INET, socket.AF_INET6) and more.get("fileno") is None and (len(rest) < 3 or rest[2] is None):
        raise PermissionError("an internet socket was asked for")
    real(self, family, *rest, **more)
socket.socket.__init__ = checked
def no_names(*_, **__):
    raise PermissionError("a host name was looked up")
socket.getaddrinfo = no_names
"""


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """The environment of a process without internet sockets."""
    (tmp_path / "block").mkdir()
    (tmp_path / "block" / "sitecustomize.py").write_text(BLOCK)
    before = os.environ.get("PYTHONPATH")
    paths = [str(tmp_path / "block"), *([before] if before else [])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def test_the_block_holds(offline: dict[str, str]) -> None:
    for attempt in (
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import _socket; _socket.socket(2, 1, 0)",
        "import subprocess as s, sys; sys.exit(s.call([sys.executable, '-S', '-c', 'import _socket; _socket.socket(2)']))",
    ):
        if "_socket" in attempt and not sys.platform.startswith("linux"):
            continue
        done = subprocess.run([sys.executable, "-c", attempt], env=offline, capture_output=True, check=False)
        assert done.returncode != 0, attempt
    local = "import socket; a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'"
    subprocess.run([sys.executable, "-c", local], env=offline, check=True)


def test_every_command_runs_without_a_network(offline: dict[str, str], tiny_weights: Path, tmp_path: Path) -> None:
    commands = every_command(tmp_path, tiny_weights)
    group = typer.main.get_command(app)
    known = set(group.commands)  # type: ignore[attr-defined]
    assert known == {command.words[0] for command in commands}, "a command that this test does not run"
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps([command.words for command in commands]),
        env=offline,
        capture_output=True,
        text=True,
        check=False,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(commands), done.stderr
    for command, (words, code, errors) in zip(commands, results, strict=True):
        assert "socket was asked for" not in errors
        assert "host name was looked up" not in errors
        assert code in command.codes, (words, code, errors)
