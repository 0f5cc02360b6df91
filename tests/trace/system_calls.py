"""What a program asked of the kernel, as `strace` writes it down: sockets made, and files made, changed or removed."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "socket,connect,sendto,sendmsg,bind,open,openat,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,"
    "symlink,symlinkat,unlink,unlinkat,rmdir,truncate,chmod,fchmodat"
)
_CALL = re.compile(r"^\d+ +(?P<name>\w+)\((?P<rest>.*)$")
_WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)")
_PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)(?:<(?P<folder>[^>]*)>)?, )?"(?P<path>(?:[^"\\]|\\.)*)"')
_LOOK_UPS = ("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf")


@dataclass(frozen=True)
class Trace:
    """sockets: the families asked for. looked_up: files that only a look-up of a host reads. written: paths changed."""

    sockets: frozenset[str]
    looked_up: frozenset[str]
    written: frozenset[str]


def traced(command: Sequence[str], log: Path, *, folder: Path, env: dict[str, str], text: str) -> tuple[str, Trace]:
    """Run a command under strace with `text` on its standard input; return its standard output and the trace."""
    done = subprocess.run(
        ["strace", "-f", "-qq", "-y", "-s", "4096", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(log), *command],
        cwd=folder, env=env, input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    assert lines, "strace wrote nothing"
    return done.stdout, read(lines, folder)


def read(lines: Sequence[str], folder: Path) -> Trace:
    """Read the lines of a log. folder: that relative paths start from."""
    sockets, looked_up, written = set(), set(), set()
    for line in lines:
        found = _CALL.match(line)
        if found is None:
            continue
        name, rest = found["name"], found["rest"]
        if name == "socket":
            sockets.add(rest.split(",")[0])
        elif name in ("connect", "sendto", "sendmsg", "bind"):
            sockets |= set(re.findall(r"sa_family=(AF_\w+)", rest))
        else:
            paths = set(_paths(rest, folder))
            looked_up |= {path for path in paths if path in _LOOK_UPS}
            if name not in ("open", "openat") or _WRITES.search(rest):
                written |= paths
    return Trace(frozenset(sockets), frozenset(looked_up), frozenset(written))


def _paths(rest: str, folder: Path) -> Iterator[str]:
    for found in _PATH.finditer(rest):
        path = re.sub(r"\\(\d{1,3}|.)", lambda one: _character(one[1]), found["path"])
        yield str(Path(found["folder"] or folder) / path)


def _character(escape: str) -> str:
    return chr(int(escape, 8)) if escape.isdigit() else {"n": "\n", "t": "\t", "r": "\r"}.get(escape, escape)
