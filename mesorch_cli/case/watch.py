"""Watches a folder for new files. Each is taken once it is complete, and again if it changes later."""

import time
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.case.scan import Scan, Selection, scan
from mesorch_cli.errors import UsageError


@dataclass(frozen=True)
class _Seen:
    """A file's state (size, time of change, identity), since when it has it, and whether it was taken in this state."""

    look: tuple[int, int, int]
    since: float
    taken: bool = False


class Watch:
    """Lists a folder again and again. It polls, as network shares do not announce new files."""

    def __init__(self, root: Path, selection: Selection, settle_s: float) -> None:
        """settle_s: a file is complete when nothing wrote to it for this many seconds."""
        self.scan = Scan((), {})
        self.problem: str | None = None  # why the last listing failed
        self._root = root
        self._selection = selection
        self._settle_s = settle_s
        self._seen: dict[str, _Seen] = {}

    def ready(self) -> list[str]:
        """List the folder once and return the complete paths that were not yet taken in their present state.

        A folder that is unavailable for a while, such as a restarting network share, is a `problem`, not an error.
        """
        try:
            self.scan, self.problem = scan(self._root, self._selection), None
        except UsageError as error:
            self.problem = str(error)
            return []
        now = time.monotonic()
        seen: dict[str, _Seen] = {}
        ready = []
        for path in self.scan.paths:
            look = self._look(path)
            if look is None:
                continue
            before = self._seen.get(path)
            if before is None or before.look != look:
                before = _Seen(look, now)
            elif not before.taken and now - before.since >= self._settle_s:
                before = _Seen(look, before.since, taken=True)
                ready.append(path)
            seen[path] = before
        self._seen = seen
        return ready

    def _look(self, path: str) -> tuple[int, int, int] | None:
        try:
            status = (self._root / path).stat()
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns, status.st_ino
