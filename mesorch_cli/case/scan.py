"""Lists an evidence folder: photos, recognised by content, and counts of everything else. No link is followed."""

import fnmatch
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.errors import UsageError
from mesorch_cli.evidence.format import HEAD_BYTES
from mesorch_cli.evidence.formats.registry import SUFFIXES
from mesorch_cli.evidence.formats.sniffing import sniff
from mesorch_cli.evidence.inspection import UnsupportedError
from mesorch_cli.evidence.side_files import side_file
from mesorch_cli.files.reading import opened_below

MOST_PATTERNS, LONGEST_PATTERN = 10_000, 4096  # patterns of a selection; characters of a pattern
MOST_SHARES = 1_000_000
LEFT_OUT, UNLISTED, PHOTO = "left out by the selection", "folder that cannot be listed", "photo"


@dataclass(frozen=True)
class Scan:
    """The photos in a folder, as paths below it in byte order, and the number of other entries of each kind.

    unlisted: folders that could not be listed, with unknown content.

    A file counts as a photo by its first bytes, or by its name alone, so that a photo damaged from its first byte on is
    reported and not skipped.
    """

    paths: tuple[str, ...]
    others: dict[str, int]
    unlisted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """Which paths of a scan are wanted.

    include, exclude: patterns on the path below the folder; `*` also matches across folders. An empty include means
    all. shard: (k, n) for share k of n, counted from 1; a path's share depends on its name alone. Raises UsageError for
    an impossible share.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        number, count = self.shard
        if not 1 <= number <= count <= MOST_SHARES:
            raise UsageError(
                f"Shard {number}/{count}: expected K/N with K from 1 to N, such as 3/16, and N at most {MOST_SHARES}."
            )
        for name, patterns in (("include", self.include), ("exclude", self.exclude)):
            if len(patterns) > MOST_PATTERNS or any(len(pattern) > LONGEST_PATTERN for pattern in patterns):
                raise UsageError(
                    f"{len(patterns)} patterns to {name}: expected at most {MOST_PATTERNS}, each of at most "
                    f"{LONGEST_PATTERN} characters. Put the photos into a folder of their own."
                )

    def wants(self, path: str) -> bool:
        """Return whether a path below the folder is selected."""
        if self.include and not any(fnmatch.fnmatchcase(path, pattern) for pattern in self.include):
            return False
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in self.exclude):
            return False
        number, count = self.shard
        digest = hashlib.sha256(os.fsencode(path)).digest()
        return int.from_bytes(digest[:8], "big") % count == number - 1


def parse_shard(text: str) -> tuple[int, int]:
    """Read `3/16`. Raises UsageError for anything else."""
    number, _, count = text.partition("/")
    if not (number.isascii() and number.isdigit() and count.isascii() and count.isdigit()):
        raise UsageError(f"Shard {text!r}: expected K/N, such as 3/16.")
    return int(number), int(count)


def scan(root: Path, selection: Selection, most: int | None = None) -> Scan:
    """List everything below a folder. UsageError if it is not a folder, cannot be listed, or holds more than `most`."""
    if not os.path.isdir(root):  # noqa: PTH112  # a Path raises for a name that is too long
        raise UsageError(
            f"{str(root)!r} is not a folder. Expected one with photos. Single files go to `mesorch detect`."
        )
    paths: list[str] = []
    others: dict[str, int] = {}
    unlisted: list[str] = []
    for number, (path, kind) in enumerate(_entries(root), start=1):
        if most is not None and number > most:
            raise UsageError(f"{str(root)!r} holds more than {most} files. Expected a folder like the one of the case.")
        if kind == UNLISTED:
            unlisted.append(path)
        elif not selection.wants(path):
            kind = LEFT_OUT
        elif kind == "file":
            kind = _kind(root, path)
        if kind == PHOTO:
            paths.append(path)
        else:
            others[kind] = others.get(kind, 0) + 1
    return Scan(
        tuple(sorted(paths, key=os.fsencode)), dict(sorted(others.items())), tuple(sorted(unlisted, key=os.fsencode))
    )


def _entries(root: Path) -> Iterator[tuple[str, str]]:
    """Yield (path below root, kind) of everything except folders. Links are named but not followed."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    path = f"{folder}{entry.name}"
                    if entry.is_symlink():
                        yield path, "symbolic link, not followed"
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(path + "/")
                    else:
                        with suppress(FileNotFoundError):  # removed since the folder was listed
                            mode = entry.stat(follow_symlinks=False).st_mode
                            yield path, "file" if stat.S_ISREG(mode) else "no regular file"
        except OSError as error:
            if not folder:
                raise UsageError(f"Cannot list {str(root)!r}: {error.strerror}. Check its permissions.") from error
            yield folder, UNLISTED


def _kind(root: Path, path: str) -> str:
    """Return what a regular file is: "photo" by its first bytes or its name, a system's side file, or "not a photo"."""
    name = path.rpartition("/")[2]
    named = os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  # a Path would change odd names
    if named and not name.startswith("._"):
        return PHOTO
    try:
        with opened_below(root, path) as file:
            head = file.read(HEAD_BYTES)
        known = sniff(head) is not None
    except UnsupportedError:
        known = False
    except OSError:
        return PHOTO  # to be reported as unreadable
    if known:
        return PHOTO
    return side_file(name, head) or (PHOTO if named else "not a photo")


def overlap(evidence: Path, case: Path) -> bool:
    """Return whether the case is inside the evidence, or the evidence inside the case."""
    inner, outer = case.resolve(), evidence.resolve()
    return inner == outer or outer in inner.parents or inner in outer.parents


def refuse_overlap(evidence: Path, case: Path) -> None:
    """Raise UsageError if the case would be inside the evidence, or the evidence inside the case."""
    try:
        overlapping = overlap(evidence, case)
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a name that is too long
        raise UsageError(
            f"The case {str(case)!r} or the evidence {str(evidence)!r} cannot be found: {error}."
        ) from error
    if overlapping:
        raise UsageError(
            f"The case {str(case)!r} and the evidence {str(evidence)!r} overlap: one folder contains the other. "
            "Evidence folders are never written to. Choose another folder with -o."
        )


def matching(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return patterns for a selection. A pattern without a slash applies to names in any folder."""
    return tuple(part for pattern in patterns for part in ((pattern,) if "/" in pattern else (pattern, f"*/{pattern}")))
