"""Every command and backend under a trace of its system calls: no socket but Unix ones, no look-up, no file elsewhere.

`.ci/run` installs strace and names this folder; it is no part of the plain test run, which must need nothing but Python.
"""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.every_command import DRIVER, FORMS, Command, every_command
from tests.trace.system_calls import Trace, read, traced

DEVICES = ("/dev/null", "/dev/shm", "/dev/tty", "/proc/self")
Seen = tuple[Path, list[Command], list[list[object]], Trace]
LOCAL = {"AF_UNIX", "AF_LOCAL", "AF_UNSPEC"}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Seen:
    """All commands in one process below a folder with a home of their own, and what they asked of the kernel."""
    root = tmp_path_factory.mktemp("traced")
    for name in ("home", "tmp", "own", "work"):
        (root / name).mkdir()
    commands = every_command(root, tiny_weights, tuple(FORMS))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL"))}
    environment |= {
        "HOME": str(root / "home"),
        "TMPDIR": str(root / "tmp"),
        "MESORCH_HOME": str(root / "own"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")]),
    }
    words = json.dumps([command.words for command in commands])
    out, trace = traced([sys.executable, "-c", DRIVER], root / "log", folder=root / "work", env=environment, text=words)
    return root, commands, [json.loads(line) for line in out.splitlines()], trace


def test_every_command_did_its_work(seen: Seen) -> None:
    _, commands, results, _ = seen
    assert len(results) == len(commands)
    for command, (words, code, errors) in zip(commands, results, strict=True):
        assert code in command.codes, (words, code, errors)


def test_no_socket_but_unix_ones_and_no_look_up(seen: Seen) -> None:
    *_, trace = seen
    assert trace.sockets <= LOCAL
    assert not trace.looked_up


def test_no_file_but_in_output_temporary_folder_and_own_home(seen: Seen) -> None:
    root, *_, trace = seen
    allowed = tuple(str(root / name) for name in ("out", "tmp", "own")) + DEVICES
    outside = sorted(path for path in trace.written if not os.path.normpath(path).startswith(allowed))
    assert outside == []
    assert any(path.startswith(str(root / "out")) for path in trace.written), "the trace saw nothing"


def test_a_trace_of_what_is_forbidden_is_read_as_such(tmp_path: Path) -> None:
    found = read(
        [
            "12 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3",
            '12 openat(AT_FDCWD</w>, "/etc/resolv.conf", O_RDONLY|O_CLOEXEC) = 3</etc/resolv.conf>',
            '13 openat(5</home/x>, "id", O_WRONLY|O_CREAT|O_EXCL, 0666) = 6</home/x/id>',
            '13 openat(AT_FDCWD, "/read/only", O_RDONLY) = 6</read/only>',
            '13 mkdir("relative", 0777) = 0',
            '13 renameat(5</a>, "old", 6</b>, "new") = 0',
        ],
        tmp_path,
    )
    assert found.sockets == {"AF_INET"}
    assert found.looked_up == {"/etc/resolv.conf"}
    assert found.written == {"/home/x/id", str(tmp_path / "relative"), "/a/old", "/b/new"}
