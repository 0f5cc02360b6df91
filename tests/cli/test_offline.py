"""No command needs a network: each runs in a process in which no internet socket can be made, by Python or by a library."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer

from mesorch_cli.cli.app import app

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
DRIVER = """
import json, sys
from typer.testing import CliRunner
from mesorch_cli.cli.app import app
for words in json.load(sys.stdin):
    result = CliRunner().invoke(app, words)
    print(json.dumps([words[:2], result.exit_code, result.stderr[-500:]]), flush=True)
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


def a_set(root: Path, astronaut: np.ndarray) -> Path:
    for name in ("image", "mask", "authentic"):
        (root / name).mkdir(parents=True)
    mask = np.zeros((120, 160), np.uint8)
    mask[20:60, 30:90] = 255
    photo = np.where(mask[..., None] > 0, np.roll(astronaut, 30, axis=1), astronaut)
    for name, picture in (("image/0.png", photo[..., ::-1]), ("mask/0.png", mask), ("authentic/1.jpg", astronaut)):
        assert cv2.imwrite(str(root / name), picture)
    return root


def test_every_command_runs_without_a_network(
    offline: dict[str, str], tiny_weights: Path, write_photo: Callable[..., Path], tmp_path: Path, astronaut: np.ndarray
) -> None:
    photo, weights = str(write_photo("photo.jpg")), str(tiny_weights)
    evidence = a_set(tmp_path / "set", astronaut)
    rng = np.random.default_rng(0)
    for name, blur in (("rough", 0.1), ("smooth", 6.0)):
        (tmp_path / name).mkdir()
        for number in range(20):
            noise = cv2.GaussianBlur(rng.integers(0, 256, (64, 80, 3), dtype=np.uint8), (0, 0), blur)
            assert cv2.imwrite(str(tmp_path / name / f"{number}.png"), noise)
    calibration = ["--authentic", str(tmp_path / "rough"), "--tampered", str(tmp_path / "smooth"), "--fpr", "0.2"]
    training = tmp_path / "run.toml"
    training.write_text(
        "side = 64\nbatch = 2\n[schedule]\nsteps = 1\nwarmup_steps = 0\n[data]\n"
        f'photos = [{{folder = "{tmp_path / "rough"}"}}]\nvalidation_photos = [{{folder = "{tmp_path / "smooth"}"}}]\n'
    )
    runs = {
        "detect": [photo, "-w", weights, "-o", str(tmp_path / "out")],
        "evaluate": [str(evidence), "-w", weights, "-o", str(tmp_path / "figures"), "--bootstrap", "20"],
        "calibrate": [*calibration, "-w", weights, "-o", str(tmp_path / "c.json"), "-q", "--keep-pooling"],
        "forge": [str(evidence / "authentic"), str(tmp_path / "forged"), "-n", "1", "--workers", "1"],
        "weights list": [],
        "weights info": [weights],
        "weights verify": [weights],
        "weights import": [photo],  # refused, as it is no weights file; the refusal needs no network either
        "bench": ["--side", "64", "--rounds", "2", "--threads", "1"],
        "info": [],
        "batch": [str(evidence / "authentic"), "-w", weights, "-o", str(tmp_path / "case")],
        "verify": [str(tmp_path / "case")],
        "rerun": [str(tmp_path / "case" / "photos" / "1.jpg" / "record.json"), "-w", weights],
        "report": [str(tmp_path / "case"), "--pdf"],
        "case merge": [str(tmp_path / "case"), "-o", str(tmp_path / "joined")],
        "train": [str(training), "-o", str(tmp_path / "run"), "--check"],
        "export": ["-w", weights, "-o", str(tmp_path / "tiny.pt2"), "--format", "torch"],
    }
    group = typer.main.get_command(app)
    known = set(group.commands)  # type: ignore[attr-defined]
    assert known <= {words.split()[0] for words in runs}, "a command that this test does not run"
    commands = [[*words.split(), *more] for words, more in runs.items() if words.split()[0] in known]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(commands),
        env=offline,
        capture_output=True,
        text=True,
        check=False,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(commands), done.stderr
    for words, code, errors in results:
        assert "socket was asked for" not in errors
        assert "host name was looked up" not in errors
        # calibrate may find that random weights tell nothing apart: 3; the refused import: 5.
        assert code in ((0, 3) if words[0] == "calibrate" else (5,) if words == ["weights", "import"] else (0,)), (
            words,
            code,
            errors,
        )
