"""Standard streams that are closed, full, or read no longer: never a fault, and never another answer."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mesorch_cli.cli.streams import READER_GONE, Outlet, Streams, taken

PLACES = {"closed": ">&-", "full": ">/dev/full"}


def ended(*words: object, redirection: str = "", gone: bool = False, **environment: str) -> tuple[int, str, str]:
    """Run the tool in a process of its own; returns code, stdout and stderr.

    redirection: as a shell takes it. gone: standard output is a pipe that nobody reads.
    """
    out: int | None = subprocess.PIPE
    if gone:
        reader, out = os.pipe()
        os.close(reader)
    command = [sys.executable, "-m", "mesorch_cli", *(str(word) for word in words)]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *command],
        stdout=out,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
        check=False,
    )
    if gone and out is not None:
        os.close(out)
    errors = done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in errors
    assert "fault of mesorch" not in errors
    assert "Exception ignored" not in errors
    return done.returncode, (done.stdout or b"").decode("utf-8", "replace"), errors


class Broken(io.RawIOBase):
    """A stream that fails after some bytes."""

    def __init__(self, error: OSError, room: int = 0) -> None:
        self.error, self.room, self.taken = error, room, b""

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        if len(self.taken) >= self.room:
            raise self.error
        self.taken += bytes(data)  # type: ignore[call-overload]
        return memoryview(data).nbytes  # type: ignore[arg-type]


def streams(error: OSError | None, *, lasting: bool) -> Streams:
    found = Streams(Outlet(None), Outlet(None))
    found.output.lost, found.output.lasting = error, lasting
    return found


@pytest.mark.parametrize("code", [1, 3, 4, 5, 6, 10, 130])
@pytest.mark.parametrize("error", [BrokenPipeError(32, "x"), OSError(28, "No space left on device"), None])
@pytest.mark.parametrize("lasting", [True, False])
def test_the_code_of_what_happened_stays(code: int, error: OSError | None, lasting: bool) -> None:
    assert streams(error, lasting=lasting).exit_code(code) == code


def test_what_ended_well_ends_as_other_programs_do() -> None:
    gone, full = BrokenPipeError(32, "x"), OSError(28, "No space left on device")
    assert streams(None, lasting=False).exit_code(0) == 0
    assert streams(gone, lasting=True).exit_code(0) == 0
    assert streams(gone, lasting=False).exit_code(0) == READER_GONE == 141
    assert streams(full, lasting=True).exit_code(0) == streams(full, lasting=False).exit_code(0) == 2
    assert streams(gone, lasting=False).problem is None
    assert "No space left" in str(streams(full, lasting=False).problem)


def test_an_outlet_drops_what_comes_after_the_first_loss() -> None:
    broken = Broken(OSError(28, "full"), room=3)
    outlet = Outlet(broken)
    text = io.TextIOWrapper(io.BufferedWriter(outlet), write_through=True)
    for word in ("one", "two", "three"):
        text.write(word)
        text.flush()
    assert broken.taken == b"one"
    assert outlet.lost is broken.error


def test_a_stream_that_is_busy_is_waited_for() -> None:
    """A pipe that does not block and is full takes the rest later; nothing is lost."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    size = 1 << 20
    slow = [sys.executable, "-c", "import sys, time; time.sleep(0.2); print(len(sys.stdin.buffer.read()))"]
    with subprocess.Popen(slow, stdin=reader, stdout=subprocess.PIPE) as child:
        os.close(reader)
        with os.fdopen(writer, "wb", buffering=0) as raw:
            outlet = Outlet(raw)  # type: ignore[arg-type]
            buffered = io.BufferedWriter(outlet)
            buffered.write(b"x" * size)
            buffered.flush()
        assert child.stdout is not None
        assert int(child.stdout.read()) == size
    assert outlet.lost is None


def test_closed_descriptors_are_taken() -> None:
    """Else a journal would be opened as standard output, and be printed into."""
    child = os.fork()
    if child == 0:
        os.close(0)
        os.close(2)
        found = taken()
        os._exit(0 if found == {0, 2} and taken() == frozenset() and os.open(os.devnull, os.O_RDONLY) > 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("words", [("--help",), ("weights", "list")])
def test_a_command_that_only_prints(words: tuple[str, ...]) -> None:
    assert ended(*words, gone=True)[0] == READER_GONE
    for place in PLACES.values():
        code, _, errors = ended(*words, redirection=place)
        assert code == 2
        assert errors.startswith("error: Cannot write to standard output: ")
        assert errors.count("\n") == 1
    assert ended(*words, redirection="2>&- <&-")[0] == 0


def test_photos_are_all_done_and_refusals_count_without_a_reader(
    write_photo: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> None:
    photos = [write_photo(f"{number}.png") for number in range(3)]
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    words = ("detect", *photos, tmp_path / "bad.jpg", "--json", "-w", tiny_weights, "-o", tmp_path / "out")
    assert ended(*words, gone=True)[0] == 3
    assert len(list((tmp_path / "out").glob("*/record.json"))) == 4
    assert ended("detect", photos[0], "--json", "-w", tiny_weights, "-o", tmp_path / "a", gone=True)[0] == 0
    code, _, errors = ended(*words[:2], "-w", tiny_weights, "-o", tmp_path / "b", redirection=">/dev/full")
    assert code == 2
    assert "Files that were written are complete" in errors
    assert (tmp_path / "b" / "0.png" / "record.json").exists()


def test_nothing_is_looked_at_that_nobody_reads(
    write_photo: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> None:
    photos = [write_photo(f"{number}.png") for number in range(2)]
    words = ("detect", *photos, "--no-artefacts", "-w", tiny_weights)
    code, _, errors = ended(*words, gone=True)
    assert (code, errors) == (READER_GONE, "")
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    code, _, errors = ended("detect", tmp_path / "bad.jpg", "--no-artefacts", "-w", tiny_weights, gone=True)
    assert code == 4  # what happened before it was noticed


def test_a_changed_case_is_a_changed_case_for_whom_it_may_concern(
    write_photo: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> None:
    write_photo("photo.png")
    case = tmp_path / "case"
    made = ended("batch", tmp_path / "evidence", "-o", case, "-w", tiny_weights, "-q", redirection=">&- 2>&- <&-")
    assert made[0] == 2  # the line with the hash of SHA256SUMS could not be told
    assert ended("verify", case, "-q")[0] == 0  # and no file of it was written into by a stream
    assert ended("verify", case, "-q", gone=True)[0] == 0
    with (case / "results.csv").open("a") as file:
        file.write("x")
    for how in ({"gone": True}, {"redirection": ">&-"}, {"redirection": ">/dev/full"}, {"redirection": "2>/dev/full"}):
        assert ended("verify", case, "-q", **how)[0] == 6  # type: ignore[arg-type]


def test_a_closed_gate_stays_closed(tiny_weights: Path, write_photo: Callable[..., Path], tmp_path: Path) -> None:
    """`mesorch evaluate --fail-under ... | true`."""
    write_photo("a.png")
    words = ("evaluate", "--authentic", tmp_path / "evidence", "-w", tiny_weights, "--bootstrap", "0", "-q", "--json")
    assert ended(*words, "--fail-under", "authentic_not_cleared=2", gone=True)[0] == 6
    assert ended(*words, gone=True)[0] == READER_GONE


@pytest.mark.parametrize("words", [("detect", "-"), ("detect", "--files-from", "-")])
@pytest.mark.parametrize("place", ["<&-", "0>/dev/null"])
def test_standard_input_that_cannot_be_read(words: tuple[str, ...], place: str) -> None:
    code, _, errors = ended(*words, "--no-artefacts", redirection=place)
    assert code == 2
    assert errors.startswith("error: ")
    assert "tandard input" in errors
    assert errors.count("\n") == 1


def test_a_terminal_that_knows_only_ascii(write_photo: Callable[..., Path], tiny_weights: Path, tmp_path: Path) -> None:
    photo = write_photo("Gemälde 猫.png")
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for environment in (ascii_only, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}):
        code, out, errors = ended("detect", photo, "--no-artefacts", "-w", tiny_weights, **environment)
        assert (code, errors) == (0, "")
        assert "Gem" in out
    assert ended("weights", "list", **ascii_only)[0] == 0
    assert ended("detect", tmp_path / "nö.png", "--no-artefacts", "-w", tiny_weights, **ascii_only)[0] == 4


def test_a_working_folder_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    script = f"mkdir {folder} && cd {folder} && rmdir {folder} && exec {sys.executable} -P -m mesorch_cli"
    for words in ("info", "verify case", "detect photo.jpg"):
        done = subprocess.run(["sh", "-c", f"{script} {words}"], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("error: The working folder cannot be used")
        assert done.stderr.count("\n") == 1


def test_json_is_whole_in_any_encoding(write_photo: Callable[..., Path], tiny_weights: Path) -> None:
    photo = write_photo("猫.png")
    code, out, _ = ended("detect", photo, "--no-artefacts", "--json", "-w", tiny_weights, PYTHONIOENCODING="ascii")
    assert code == 0
    assert json.loads(out)["input"]["path"] == str(photo)
