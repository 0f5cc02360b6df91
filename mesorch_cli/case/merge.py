"""Joins the shares of a case, analysed separately, into the case that one run would have made."""

import heapq
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from mesorch_cli.case.batch import SAME_BYTES, duplicate_of, hash_of, is_passing, placed_at
from mesorch_cli.case.case_file import AboutPart, CaseFile
from mesorch_cli.case.finish import finish
from mesorch_cli.case.journal import Journal
from mesorch_cli.case.mirror import Mirror, artefacts_of
from mesorch_cli.case.opening import opened, opened_to_read
from mesorch_cli.case.row import Row, row_of
from mesorch_cli.case.scan import LEFT_OUT, UNLISTED, Scan
from mesorch_cli.errors import UsageError, VerificationError
from mesorch_cli.examination.outputs import RECORD_NAME
from mesorch_cli.examination.record import Record
from mesorch_cli.files.names import json_path
from mesorch_cli.files.writing import link_or_copy_below, write_below


def merge(
    shares: Sequence[Path], case: Path, on_file: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[CaseFile, str]:
    """Join shares 1/N to N/N into a new case; return its `case.json` and the SHA-256 of its SHA256SUMS.

    Pictures become hard links, or copies if the file system has none, and each is hashed at its new place. Files with
    the same bytes in several shares count as duplicates of the first one, as in one run. If interrupted, the same call
    continues. Raises UsageError for shares that do not belong together or are unfinished, VerificationError for changed
    journals and results.
    """
    with ExitStack() as stack:
        held = {share: stack.enter_context(opened_to_read(share)) for share in shares}
        files = {share: case_file for share, (case_file, _) in held.items()}
        journals = {share: journal for share, (_, journal) in held.items()}
        about = common(files)
        total = sum(file.counts.found for file in files.values())
        journal, mirror = stack.enter_context(opened(case, about))
        ordered = heapq.merge(*(_rows(*item) for item in journals.items()), key=lambda item: item[0])
        paths: list[str] = []
        for done, (_, share, row) in enumerate(ordered, start=1):
            paths.append(row.path)
            if journal.get(row.path) is None:
                journal.add(placed(share, row, mirror, journal))
            on_file(done, total)
        return finish(case, journal, about, look(files.values(), paths))


def _rows(share: Path, journal: Journal) -> Iterator[tuple[bytes, Path, Row]]:
    for row in journal.rows():
        yield os.fsencode(row.path), share, row


def common(files: dict[Path, CaseFile]) -> AboutPart:
    """Return what the whole case is about. Raises UsageError unless the files are all the shares of one case."""
    first_path, first = next(iter(files.items()))
    count = first.selection.shard[1]
    for path, file in files.items():
        for name in ("evidence", "settings_sha256", "weights", "tool"):
            if getattr(file, name) != getattr(first, name):
                raise UsageError(
                    f"{str(path)!r} and {str(first_path)!r} differ in {name}: {getattr(file, name)!r}, "
                    f"{getattr(first, name)!r}. Expected shares of one case: make them with the same command and "
                    "--shard."
                )
        if file.counts.waiting:
            raise UsageError(
                f"{str(path)!r} is unfinished: {file.counts.waiting} files are waiting. Give its batch command again."
            )
    found = sorted(file.selection.shard for file in files.values())
    if found != [(number, count) for number in range(1, count + 1)]:
        shown = ", ".join("{}/{}".format(*shard) for shard in found)
        raise UsageError(f"The shares are {shown}. Expected 1/{count} to {count}/{count}, each once.")
    selection = first.selection.model_copy(update={"shard": (1, 1)})
    return AboutPart(**{name: getattr(first, name) for name in AboutPart.model_fields} | {"selection": selection})


def placed(share: Path, row: Row, mirror: Mirror, journal: Journal) -> Row:
    """Bring a row's results into the case and return its row there."""
    first = None if row.sha256 is None else journal.with_content(row.sha256, row.settings)
    if first is not None and not is_passing(first.reason):
        return duplicate_of(first, row.path, mirror)
    place = mirror.place(row.path)
    for artefact, sha256 in artefacts_of(row).items():
        name = f"{place}/{artefact.rpartition('/')[2]}"
        if os.path.lexists(share / artefact):
            link_or_copy_below(share, artefact, mirror.case, name)
        if hash_of(mirror.case, name) != sha256:
            raise VerificationError(
                f"{json_path(str(share / artefact))!r} is not what its journal records. Expected the SHA-256 "
                f"{sha256[:16]}... See `mesorch verify`, then delete its folder and give the share's batch command "
                "again."
            )
    record = placed_at(place, Record.model_validate_json(row.record))
    # In its share, another file may have come first. Here, this one does.
    flags = [flag for flag in record.result.flags if not flag.startswith(SAME_BYTES)]
    record = record.model_copy(update={"result": record.result.model_copy(update={"flags": flags})})
    write_below(mirror.case, f"{place}/{RECORD_NAME}", record.to_text().encode("ascii"))
    return row_of(row.path, place, record)


def look(files: Collection[CaseFile], paths: Sequence[str]) -> Scan:
    """Return what one scan of the evidence would have found. To each share, the files of the others are left out."""
    others: dict[str, int] = {}
    for file in files:
        for kind, count in file.others.items():
            others[kind] = others.get(kind, 0) + count
    unlisted = tuple(next(iter(files)).unlisted)
    chosen = sum(file.counts.found - file.counts.gone for file in files)
    chosen += sum(count for kind, count in others.items() if kind not in (LEFT_OUT, UNLISTED))
    left_out = (others.pop(LEFT_OUT, 0) - (len(files) - 1) * chosen) // len(files)
    others |= {LEFT_OUT: left_out} if left_out > 0 else {}
    others |= {UNLISTED: len(unlisted)} if unlisted else {}
    return Scan(tuple(paths), dict(sorted(others.items())), unlisted)
