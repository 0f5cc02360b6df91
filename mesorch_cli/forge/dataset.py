"""A folder of forged photos: `Tp`, `Gt` and `Au` paired by stem, and a manifest with a line for every item."""

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
AHEAD = 3  # items under way for each worker


@dataclass(frozen=True)
class Made:
    """What a run made: items by operation, those found from before, the files refused, and the manifest's SHA-256."""

    operations: Counter[str]
    found: int
    manifest_sha256: str
    refused: tuple[tuple[str, str], ...] = field(default=())


class ForgedDataset:
    """A dataset in the making: items in order, each whole or not there, the manifest a line longer after each."""

    def __init__(self, pools: Pools, settings: ItemSettings, out: Path, *, resume: bool) -> None:
        """Open a new folder, or one to go on with.

        Raises UsageError for a folder that is not empty (with `resume`: one made otherwise), or that lies in a folder of
        sources; OutputError where nothing can be written.
        """
        self.pools, self.settings, self.out = pools, settings, out
        for folder in pools.folders:
            if out.resolve() == folder.root.resolve() or folder.root.resolve() in out.resolve().parents:
                raise UsageError(
                    f"{str(out)!r} lies in {str(folder.root)!r}, whose photos it is made from. Choose another folder."
                )
        self.lines = self._begun(resume)

    def make(self, count: int, *, workers: int = 1, on_item: Callable[[str, int, int], None] | None = None) -> Made:
        """Make the items that are missing up to `count`, with as many processes; the bytes do not depend on how many.

        on_item: called with the line, the number of items there are, and `count`. Raises UsageError for a count below
        what is there, InputError where no photo can be used, OutputError where a file cannot be written.
        """
        if count < 1 or workers < 1:
            raise UsageError(f"{count} items by {workers} workers: expected at least one of each.")
        if count < len(self.lines):
            raise UsageError(f"{str(self.out)!r} has {len(self.lines)} items already; expected at most {count}.")
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
                f"Cannot write to {str(self.out)!r}: {error.strerror}. Make room and go on with --resume."
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
        # Spawned, not forked: a forked copy of OpenCV's threads may hang.
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
                    f"A worker process ended before its item was made ({error}); expected it to live. Use fewer --workers "
                    "if memory is short, and go on with --resume."
                ) from error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _begun(self, resume: bool) -> list[str]:
        """Make the folder, or read what is there; returns the lines of the manifest so far."""
        try:
            entries = sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []
            if entries and not resume:
                raise UsageError(
                    f"{str(self.out)!r} is not empty ({len(entries)} entries, {', '.join(entries[:NAMED])}); expected a new "
                    "or empty folder. Choose another, or go on with an unfinished dataset with --resume."
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
        """Return what decides the bytes of every item: settings, the list of sources, and versions."""
        pools = {"photos": self.pools.photos, "objects": self.pools.objects}
        return {
            "schema": SCHEMA,
            **{key: value for key, value in asdict(self.settings).items() if key != "recipe"},
            "recipe": {**asdict(self.settings.recipe), "shares": list(self.settings.recipe.shares)}
            | {"area_range": list(self.settings.recipe.area_range)},
            "sources": {name: _listed(pool) for name, pool in pools.items() if pool is not None},
            # The bytes of an item are those of these versions.
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
                f"{str(self.out)!r} has no readable {SETTINGS} ({error}); expected an unfinished dataset. "
                "Choose another folder."
            ) from error
        # Earlier versions did not write the one share that was always the same.
        held = {"object_host_share": ItemSettings.object_host_share} | (found if isinstance(found, dict) else {})
        different = [key for key in described if held.get(key) != described[key]]
        if different:
            raise UsageError(
                f"{str(self.out)!r} was begun with other {', '.join(different)} ({SETTINGS}); expected the same, or its "
                "items would not belong together. Repeat the first call's options, or choose another folder."
            )

    def _read_manifest(self) -> list[str]:
        """Return the whole lines of the manifest, and cut off one that was torn; every file they name must be there."""
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
                    f"Line {number + 1} of {str(path)!r} is not item {number}; expected the manifest as it was written."
                )
            missing += [name for name in files if not (self.out / name).is_file()]
        if missing:
            raise UsageError(
                f"{len(missing)} files of {str(path)!r} are gone: {', '.join(missing[:NAMED])}. Expected all of them; make "
                "the dataset anew in another folder."
            )
        if len(whole) < len(data):
            write_whole(path, whole)
        self._clear_after(len(lines))
        return lines

    def _clear_after(self, count: int) -> None:
        """Remove the files of items that were under way when a run ended: nothing lies there that no line names."""
        remove_unfinished(self.out)
        for folder in FOLDERS:
            for path in (self.out / folder).iterdir():
                if OWN_NAME.fullmatch(path.name) and int(path.name.partition(".")[0]) >= count:
                    path.unlink()


def _listed(pool: Pool) -> dict[str, Any]:
    """Return how many files a pool has and a hash over their names; of several folders, also their shares."""
    paths = [path for folder in pool.folders for path in folder.paths]
    names = "\n".join(paths).encode("utf-8", "surrogateescape")
    described = {"files": len(paths), "sha256_of_names": sha256_bytes(names)}
    return described if len(pool.folders) == 1 else described | {"shares": list(pool.shares)}


def _made(pools: Pools, settings: ItemSettings, out: Path, number: int, photos: SoundPhotos | None = None) -> Item:
    """Make one item and write its files; returns it without their bytes, which need not travel."""
    item = make_item(pools, settings, number, photos or SoundPhotos())
    for name, data in item.files.items():
        write_below(out, name, data, durable=False)  # an item that is lost is made again, to the byte
    return Item({}, item.line, item.operation, item.refused)


def _calm() -> None:
    """Prepare a worker: one thread each, Ctrl-C is the parent's business, and it does not outlive its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    """End this process as soon as its parent has: the pool's workers would wait for each other for ever."""
    parent.join()
    os._exit(1)
