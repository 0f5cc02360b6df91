"""Files of a report: whole or not there."""

from contextlib import suppress
from pathlib import Path

from mesorch_cli.errors import OutputError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name and rename it; make its folder. Raises OutputError where that fails.

    A file that holds these bytes already is left alone, with its time.
    """
    with suppress(OSError):
        if not path.is_symlink() and path.read_bytes() == data:
            return
    temporary = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"Cannot write {str(path)!r}: {error.strerror}. Make room in the case folder and give the same command again."
        ) from error
