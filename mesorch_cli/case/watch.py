"""A folder that files come into: each is taken once it is complete, and again if it is written to later."""

import time
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.case.scan import Scan, Selection, scan
from mesorch_cli.errors import UsageError


@dataclass(frozen=True)
class _Seen:
    """What a file looked like (size, time of change, identity), since when, and whether it was taken so."""

    look: tuple[int, int, int]
    since: float
    taken: bool = False


class Watch:
    """Looks at a folder again and again. It polls, since network shares tell nobody of new files."""

    def __init__(self, root: Path, selection: Selection, settle_s: float) -> None:
        """settle_s: a file is complete when nothing wrote to it for so many seconds."""
        self.scan = Scan((), {})
        self.problem: str | None = None  # why the last look saw nothing
        self._root = root
        self._selection = selection
        self._settle_s = settle_s
        self._seen: dict[str, _Seen] = {}

    def ready(self) -> list[str]:
        """Look once and return the paths that are complete and were not taken as they are now.

        A folder that is away for a while, as a share whose server starts again, is a `problem` and no error.
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
