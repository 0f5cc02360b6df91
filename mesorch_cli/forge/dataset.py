"""A folder of forged photos: `Tp`, `Gt` and `Au` paired by stem, and a manifest with a line per item."""

import json
import multiprocessing
import os
import re
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL

from mesorch_cli import __version__
from mesorch_cli.bounds import json_within
from mesorch_cli.errors import OutputError, UsageError
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.files.writing import remove_unfinished, write_below, write_whole
from mesorch_cli.forge.item import SCHEMA, Item, ItemSettings, make_item
from mesorch_cli.forge.photos import SoundPhotos
from mesorch_cli.forge.pools import Pool, Pools
from mesorch_cli.forge.sources import NAMED

FOLDERS = ("Tp", "Gt", "Au")
MANIFEST, SETTINGS = "manifest.jsonl", "forge.json"
OWN_NAME = re.compile(r"[0-9]{6,}\.(jpg|png|webp)")
AHEAD = 3  # items in progress per worker
UNSTORED_OBJECT_HOST_SHARE = 0.55  # of the last version in which it was a constant


@dataclass(frozen=True)
class Made:
    """The result of a run: items by operation, existing items, refused files, and the manifest's SHA-256."""

    operations: Counter[str]
    found: int
    manifest_sha256: str
    refused: tuple[tuple[str, str], ...] = field(default=())


class ForgedDataset:
    """A dataset being made. Items are in order, each complete or absent, and each adds a line to the manifest."""

    def __init__(self, pools: Pools, settings: ItemSettings, out: Path, *, resume: bool) -> None:
        """Open a new folder, or one to continue.

        Raises UsageError for a folder that is not empty (with `resume`: made with other settings) or is inside a folder
        of sources; OutputError if nothing can be written.
        """
        self.pools, self.settings, self.out = pools, settings, out
        for folder in pools.folders:
            if out.resolve() == folder.root.resolve() or folder.root.resolve() in out.resolve().parents:
                raise UsageError(
                    f"{str(out)!r} is inside {str(folder.root)!r}, its source of photos. Choose another folder."
                )
        self.lines = self._begun(resume)

    def make(self, count: int, *, workers: int = 1, on_item: Callable[[str, int, int], None] | None = None) -> Made:
        """Make the missing items up to `count` with this many processes, which does not affect the bytes.

        on_item: called with the line, the present number of items, and `count`. Raises UsageError for a count below
        that number, InputError if no photo can be used, OutputError if a file cannot be written.
        """
        if count < 1 or workers < 1:
            raise UsageError(f"{count} items by {workers} workers are impossible. Expected at least one of each.")
        if count < len(self.lines):
            raise UsageError(f"{str(self.out)!r} has {len(self.lines)} items already. Expected at most {count}.")
        found = len(self.lines)
        try:
            with (self.out / MANIFEST).open("ab") as manifest:
                for item in self._items(found, count, workers):
                    manifest.write(item.line.encode() + b"\n")
                    manifest.flush()
                    self.lines.append(item.line)
                    if on_item is not None:
                        on_item(item.line, len(self.lines), count)
            digest = sha256_bytes((self.out / MANIFEST).read_bytes())
        except OSError as error:
            raise OutputError(
                f"Cannot write to {str(self.out)!r}: {error.strerror}. Make room and continue with --resume."
            ) from error
        records = [json.loads(line) for line in self.lines]
        refused = {(entry["path"], entry["reason"]) for record in records for entry in record.get("refused", ())}
        return Made(Counter(record["operation"] for record in records), found, digest, tuple(sorted(refused)))

    def _items(self, first: int, count: int, workers: int) -> Iterator[Item]:
        task = (self.pools, self.settings, self.out)
        if workers == 1 or count - first < 2:
            photos = SoundPhotos()
            for number in range(first, count):
                yield _made(*task, number, photos)
            return
        # Spawned, not forked, as a forked copy of OpenCV's threads may hang.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, count - first), mp_context=context, initializer=_calm) as pool:
            waiting: deque[Future[Item]] = deque()
            try:
                for number in range(first, count):
                    waiting.append(pool.submit(_made, *task, number))
                    if len(waiting) >= AHEAD * workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            except BrokenProcessPool as error:
                raise OutputError(
                    f"A worker process ended before its item was made ({error}). Use fewer --workers "
                    "if memory is short, and continue with --resume."
                ) from error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _begun(self, resume: bool) -> list[str]:
        """Make the folder, or read an existing one. Return the lines of the manifest so far."""
        try:
            entries = sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []
            if entries and not resume:
                raise UsageError(
                    f"{str(self.out)!r} is not empty ({len(entries)} entries, {', '.join(entries[:NAMED])}). Expected "
                    "a new or empty folder. Choose another, or continue an unfinished dataset with --resume."
                )
            described = self._described()
            if entries:
                self._check_same(described)
                return self._read_manifest()
            for name in FOLDERS:
                (self.out / name).mkdir(parents=True, exist_ok=True)
            write_below(self.out, SETTINGS, json.dumps(described, indent=1).encode() + b"\n")
        except OSError as error:
            raise OutputError(f"Cannot write to {str(self.out)!r}: {error.strerror}. Choose another folder.") from error
        return []

    def _described(self) -> dict[str, Any]:
        """Return everything that determines the bytes of items: settings, the list of sources, and versions."""
        pools = {"photos": self.pools.photos, "objects": self.pools.objects}
        return {
            "schema": SCHEMA,
            **{key: value for key, value in asdict(self.settings).items() if key != "recipe"},
            "recipe": {**asdict(self.settings.recipe), "shares": list(self.settings.recipe.shares)}
            | {"area_range": list(self.settings.recipe.area_range)},
            "sources": {name: _listed(pool) for name, pool in pools.items() if pool is not None},
            # The bytes of an item depend on these versions.
            "versions": {
                "mesorch": __version__,
                "numpy": np.__version__,
                "opencv": cv2.__version__,
                "pillow": PIL.__version__,
            },
        }

    def _check_same(self, described: dict[str, Any]) -> None:
        try:
            found = json_within((self.out / SETTINGS).read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{str(self.out)!r} has no readable {SETTINGS} ({error}). Expected an unfinished dataset: "
                "choose another folder."
            ) from error
        # Earlier versions did not store this share. It changes nothing where there are no objects.
        unstored = ItemSettings.object_host_share if self.pools.objects is None else UNSTORED_OBJECT_HOST_SHARE
        held = {"object_host_share": unstored} | (found if isinstance(found, dict) else {})
        different = [key for key in described if held.get(key) != described[key]]
        if different:
            raise UsageError(
                f"{str(self.out)!r} was begun with other {', '.join(different)} ({SETTINGS}). Expected the same, as "
                "its items must belong together. Repeat the options of the first call, or choose another folder."
            )

    def _read_manifest(self) -> list[str]:
        """Return the complete lines of the manifest, and remove a torn one. Every file they name must exist."""
        path = self.out / MANIFEST
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.decode("utf-8", "replace").splitlines()
        missing: list[str] = []
        for number, line in enumerate(lines):
            try:
                record = json_within(line)
                files = list(record["files"])
                right = record["item"] == number
            except (ValueError, KeyError, TypeError):
                right, files = False, []
            if not right:
                raise UsageError(
                    f"Line {number + 1} of {str(path)!r} is not item {number}. Expected an unchanged manifest."
                )
            missing += [name for name in files if not (self.out / name).is_file()]
        if missing:
            raise UsageError(
                f"{len(missing)} files of {str(path)!r} are gone: {', '.join(missing[:NAMED])}. Expected all of them: "
                "make the dataset again in another folder."
            )
        if len(whole) < len(data):
            write_whole(path, whole)
        self._clear_after(len(lines))
        return lines

    def _clear_after(self, count: int) -> None:
        """Remove the files of items in progress when a run ended, so that a line names every file."""
        remove_unfinished(self.out)
        for folder in FOLDERS:
            for path in (self.out / folder).iterdir():
                if OWN_NAME.fullmatch(path.name) and int(path.name.partition(".")[0]) >= count:
                    path.unlink()


def _listed(pool: Pool) -> dict[str, Any]:
    """Return the number of files in a pool and a hash over their names; for several folders, also their shares."""
    paths = [path for folder in pool.folders for path in folder.paths]
    names = "\n".join(paths).encode("utf-8", "surrogateescape")
    described = {"files": len(paths), "sha256_of_names": sha256_bytes(names)}
    return described if len(pool.folders) == 1 else described | {"shares": list(pool.shares)}


def _made(pools: Pools, settings: ItemSettings, out: Path, number: int, photos: SoundPhotos | None = None) -> Item:
    """Make one item and write its files. Return it without their bytes."""
    item = make_item(pools, settings, number, photos or SoundPhotos())
    for name, data in item.files.items():
        write_below(out, name, data, durable=False)  # a lost item is made again with the same bytes
    return Item({}, item.line, item.operation, item.refused)


def _calm() -> None:
    """Prepare a worker: it has one thread, leaves Ctrl-C to its parent, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    """End this process when its parent ends, as the pool's workers would otherwise wait for each other for ever."""
    parent.join()
    os._exit(1)
