"""A decoder that a hostile file has taken over: it runs whatever its maker wants, in a worker, and gets nothing done."""

import ctypes
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mesorch_cli.case.rerun import _differences
from mesorch_cli.errors import InputError
from mesorch_cli.evidence import ReadOptions
from mesorch_cli.evidence.isolation import sandbox
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.isolation.reading_process import Limits
from mesorch_cli.examination.parts import decode_part
from mesorch_cli.examination.record import Record
from tests.evidence.samples import picture
from tests.security.taken_over import PNG, TAKEN_OVER, TakenOver

from .dying import put_into_workers

ROOT = Path(__file__).parents[2]
LINUX = sys.platform == "linux"
DENIED = ("EPERM", "EACCES")


@pytest.fixture(scope="module")
def taken_over() -> Iterator[TakenOver]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        put_into_workers(monkeypatch, TAKEN_OVER)
        with IsolatedReader(Limits(memory_bytes=600 << 20)) as reader:
            yield TakenOver(reader)


@pytest.fixture(scope="module")
def with_programs() -> Iterator[TakenOver]:
    """One that may start ExifTool."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        put_into_workers(monkeypatch, TAKEN_OVER)
        with IsolatedReader() as reader:
            yield TakenOver(reader, programs=True)


def has_landlock() -> bool:
    return LINUX and ctypes.CDLL(None).syscall(ctypes.c_long(444), None, ctypes.c_size_t(0), ctypes.c_uint32(1)) > 0


def has_seccomp() -> bool:
    known = LINUX and platform.machine() in ("x86_64", "aarch64")
    return known and Path("/proc/sys/kernel/seccomp/actions_avail").exists()


def test_what_is_in_force_is_what_the_system_has(taken_over: TakenOver, with_programs: TakenOver) -> None:
    expected = ["process", "limits"] + ["no-new-privileges"] * LINUX
    expected += ["landlock"] * has_landlock() + ["seccomp"] * has_seccomp()
    assert list(with_programs.in_force) == expected
    assert list(taken_over.in_force) == expected + ["no-programs"] * has_seccomp()
    photo = taken_over.reader.read("-", data=PNG)
    assert decode_part(photo).isolation == list(taken_over.in_force)


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket()",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socketpair()",
        "socket.create_connection(('127.0.0.1', 9))",
        "call(425, 8, ctypes.create_string_buffer(120))",  # io_uring, whose requests pass no filter
    ],
)
def test_no_network(taken_over: TakenOver, with_programs: TakenOver, code: str) -> None:
    for one in (taken_over, with_programs):
        one.needs(sandbox.SECCOMP)
        assert one.run(code) in DENIED


CHANGES = {
    "create": "open({folder!r} + '/new', 'x')",
    "create below the temporary folder": "tempfile.mkstemp()",
    "overwrite": "open({file!r}, 'wb')",
    "append": "open({file!r}, 'ab')",
    "change": "open({file!r}, 'r+b')",
    "truncate": "os.truncate({file!r}, 0)",
    "remove": "os.unlink({file!r})",
    "rename": "os.rename({file!r}, {folder!r} + '/new')",
    "link": "os.link({file!r}, {folder!r} + '/new')",
    "symbolic link": "os.symlink('/etc', {folder!r} + '/new')",
    "folder": "os.mkdir({folder!r} + '/new')",
    "pipe": "os.mkfifo({folder!r} + '/new')",
    "mode": "os.chmod({file!r}, 0o777)",
    "mode of an open file": "os.fchmod(os.open({file!r}, os.O_RDONLY), 0o777)",
    "owner": "os.chown({file!r}, os.getuid(), os.getgid())",
    "times": "os.utime({file!r}, (0, 0))",
    "times of an open file": "os.utime(os.open({file!r}, os.O_RDONLY), (0, 0))",
    "attribute": "os.setxattr({file!r}, 'user.x', b'')",
    "a name for a file without one": "os.link('/proc/self/fd/%d' % os.open({temporary!r}, os.O_TMPFILE | os.O_RDWR), "
    "{folder!r} + '/new', follow_symlinks=True)",
    "open as openat2 does": "import struct; call(437, -100, {file!r}.encode(), struct.pack('<QQQ', 2, 0, 0), 24)",
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_new_and_no_changed_file(
    taken_over: TakenOver, with_programs: TakenOver, change: str, tmp_path: Path
) -> None:
    file = tmp_path / "evidence"
    file.write_bytes(b"as it was")
    before = file.stat()
    code = CHANGES[change].format(folder=str(tmp_path), file=str(file), temporary=str(tmp_path))
    for one in (taken_over, with_programs):
        one.needs(sandbox.SECCOMP)
        assert one.run(code) in (*DENIED, *(["ENOSYS"] if "openat2" in change else []))
    after = file.stat()
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_bytes() == b"as it was"
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_files_without_a_name_are_for_the_temporary_folder(taken_over: TakenOver) -> None:
    taken_over.needs(sandbox.LANDLOCK)
    code = "os.open({folder!r}, os.O_TMPFILE | os.O_RDWR | os.O_EXCL)"
    # Neither may lie in the temporary folder, where the checkout may well be.
    outside = next(one for one in (ROOT, Path.home()) if not one.is_relative_to(tempfile.gettempdir()))
    assert taken_over.run(code.format(folder=str(outside))) in DENIED
    assert taken_over.run("result = os.read(os.dup(storage._unlinked_file(10)), 99).hex()") == "00" * 10


def test_reading_is_fine(taken_over: TakenOver, tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("read")
    assert taken_over.run(f"result = open({str(tmp_path / 'evidence')!r}).read()") == "read"
    assert taken_over.run("import threading; t = threading.Thread(target=print); t.start(); t.join()") == "done"


@pytest.mark.parametrize(
    "code",
    [
        "os.execv(sys.executable, [sys.executable, '-c', ''])",
        "subprocess.run([sys.executable, '-c', ''])",
        "os._exit(0) if os.fork() == 0 else None",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.kill(os.getppid(), 0)",
        "os.kill(-1, 0)",
        "call(101, 16, os.getppid(), 0, 0) if os.uname().machine == 'x86_64' else call(117, 16, os.getppid(), 0, 0)",
        "fcntl.ioctl(os.open('/dev/null', os.O_RDONLY), 0x5412, b'x')",  # types into a terminal
        "resource.setrlimit(resource.RLIMIT_CORE, (1, 1))",
        "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    ],
)
def test_no_programs_and_no_hand_on_other_processes(taken_over: TakenOver, code: str) -> None:
    taken_over.needs(sandbox.NO_PROGRAMS)
    assert taken_over.run(code) in (*DENIED, "not allowed to raise maximum limit")


def test_the_parents_memory_is_out_of_reach(taken_over: TakenOver) -> None:
    taken_over.needs(sandbox.LANDLOCK)
    assert taken_over.run("open(f'/proc/{os.getppid()}/mem', 'rb')") in DENIED


def test_what_exiftool_may_do_is_no_more(with_programs: TakenOver, tmp_path: Path) -> None:
    with_programs.needs(sandbox.SECCOMP)
    program = f"""
import os, socket
for deed in (lambda: socket.socket(), lambda: open({str(tmp_path / "new")!r}, "w")):
    try:
        deed()
    except OSError as error:
        print(error.errno, end=" ")
"""
    run = f"subprocess.run([sys.executable, '-c', {program!r}], capture_output=True, text=True, timeout=60).stdout"
    assert with_programs.run(f"result = {run}").split() in (["1", "1"], ["1", "13"])
    assert list(tmp_path.iterdir()) == []
    if has_landlock():
        silent = run.replace("capture_output=True", "stdout=-1, stderr=-3")  # PIPE, DEVNULL
        assert len(with_programs.run(f"result = {silent}").split()) == 2
        assert with_programs.run("tempfile.TemporaryFile()") in DENIED
        assert with_programs.run("result = len(os.pread(storage._unlinked_file(10), 99, 0))") == 10  # in memory
    if has_landlock() and ctypes.CDLL(None).syscall(ctypes.c_long(444), None, 0, 1) >= 6:
        assert with_programs.run("os.kill(os.getppid(), 0)") in DENIED


def test_what_a_worker_started_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_workers(monkeypatch, TAKEN_OVER)
    with IsolatedReader(Limits(seconds=20)) as reader:
        taken = TakenOver(reader, programs=True)
        pid = taken.run("result = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)']).pid")
        with pytest.raises(InputError, match="signal 11"):
            taken._read("job:os.kill(os.getpid(), signal.SIGSEGV)")
        for _ in range(100):
            if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]:
                break
            time.sleep(0.05)
        else:
            pytest.fail("it lives on")


def test_only_who_asks_for_exiftool_may_start_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "exiftool").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "exiftool").chmod(0o755)
    with IsolatedReader() as reader:
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        asked = reader.read("-", data=PNG, options=ReadOptions(exiftool=True)).decode.isolation
        plain = reader.read("-", data=PNG).decode.isolation
        assert len(reader._idle) <= 2
    assert "no-programs" not in asked
    assert ("no-programs" in plain) == has_seccomp()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("bytearray(1 << 30)", "ENOMEM"),
        ("mmap.mmap(-1, 1 << 20)", "EPERM"),  # shared and of no file: no limit would count it
        ("at = libc.mmap; at.restype = ctypes.c_long; result = at(None, ctypes.c_size_t(1 << 40), 0, 0x4022, -1, 0)", -1),
        ("os.ftruncate(os.memfd_create('x'), 1 << 40)", "EFBIG"),
        ("[os.dup(0) for _ in range(1000)]", "EMFILE"),
    ],
    ids=["memory", "shared memory", "addresses", "file size", "open files"],
)  # fmt: skip
def test_limits_are_hard(code: str, error: str | int, monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_workers(monkeypatch, TAKEN_OVER)
    with IsolatedReader(Limits(memory_bytes=600 << 20)) as reader:
        taken_over = TakenOver(reader)
        if error == "EPERM":
            taken_over.needs(sandbox.SECCOMP)
        assert taken_over.run(code) == error


def test_processor_time_is_bounded_where_nobody_watches_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_workers(monkeypatch, TAKEN_OVER + "\nworker.CPU_GRACE_S = 0\n")
    with IsolatedReader(Limits(seconds=1)) as reader:
        taken = TakenOver(reader)
        worker = reader._idle[0]
        worker.limits = Limits(seconds=60)  # the parent is patient
        with pytest.raises(InputError, match="was ended by signal 27"):
            reader.read("job:while True: pass", data=PNG)
        assert taken.reader.read("-", data=PNG).decode.integrity.ok


@pytest.mark.parametrize("missing", ["landlock.restrict", "seccomp.install", "seccomp.gain_no_privileges"])
def test_where_the_kernel_lacks_a_part_reading_goes_on(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"from mesorch_cli.evidence.isolation import landlock, seccomp\n{missing} = lambda **_: False\n"
    put_into_workers(monkeypatch, code)
    with IsolatedReader() as reader:
        photo = reader.read("-", data=PNG)
    assert np.array_equal(photo.pixels, picture())
    lost = {"landlock.restrict": {"landlock"}, "seccomp.install": {"seccomp", "no-programs"}}
    assert not lost.get(missing, {"no-new-privileges", "landlock", "seccomp"}) & set(photo.decode.isolation)
    assert {"process", "limits"} <= set(photo.decode.isolation)


def test_what_was_in_force_is_no_difference_between_records() -> None:
    values = json.loads((ROOT / "examples" / "expected" / "splice.json").read_text())
    timing = {"started_at": "", "read_s": 0, "analyse_s": 0}
    old = Record.model_validate(values | {"tool": {}, "argv": [], "timing": timing})
    assert old.decode is not None
    assert old.decode.isolation is None  # written before there was one
    now = old.model_copy(update={"decode": old.decode.model_copy(update={"isolation": ["process"]})})
    assert _differences(old, now) == []


def test_a_machine_whose_numbers_are_not_known_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_workers(monkeypatch, "import platform\nplatform.machine = lambda: 'riscv64'\n")
    with IsolatedReader() as reader:
        photo = reader.read("-", data=PNG)
    assert "seccomp" not in photo.decode.isolation
    assert "no-programs" not in photo.decode.isolation
