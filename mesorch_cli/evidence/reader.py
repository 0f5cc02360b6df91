"""The door: a path or bytes in, a Photo out, or one clear sentence why not."""

import errno
import os
import stat
from pathlib import Path

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import formats
from mesorch_cli.evidence.colour import to_rgb
from mesorch_cli.evidence.decoders import decode
from mesorch_cli.evidence.hashing import sha256_bytes
from mesorch_cli.evidence.inspection import BrokenHeaderError, Inspection, UnsupportedError
from mesorch_cli.evidence.integrity import check_decoded, inspect
from mesorch_cli.evidence.metadata import read_metadata
from mesorch_cli.evidence.photo import Decode, Photo

MAX_PIXELS = 500_000_000
_READABLE = ", ".join(formats.READABLE)


def read_photo(source: str | Path, *, data: bytes | None = None, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read a photo: its bytes once, read-only, its pixels as stored, and what is wrong with either.

    `data` holds the bytes where they came from elsewhere (standard input); `source` is then only a name. The number
    of pixels is compared with `max_pixels` before any is decoded. A damaged file that still decodes comes back with
    `decode.integrity.ok` False: what to make of it is the caller's decision.

    Raises InputError with the reason "missing", "not a file", "unreadable", "empty", "not an image",
    "unsupported format", "too many pixels" or "damaged" (nothing could be decoded).
    """
    name = os.fsdecode(source)
    if data is None:
        data = _read_bytes(name)
    if not data:
        raise InputError(
            f"{name!r} is empty (0 bytes); expected an image. Copy it again from its source.", reason="empty"
        )
    digest = sha256_bytes(data)
    try:
        inspection = _inspect(name, data)
        _check_size(name, inspection, max_pixels)
        samples = decode(data, inspection)
        check_decoded(data, inspection, samples)
        conversions = samples.conversions
        pixels = to_rgb(samples)
    except InputError:
        raise
    except UnsupportedError as error:
        raise InputError(
            f"{name!r} is {error}, which is not read; expected one of {_READABLE}. Convert it without loss, to PNG.",
            reason="unsupported format",
        ) from error
    except MemoryError as error:
        raise InputError(
            f"{name!r} does not fit into memory when decoded; give the process more, or a smaller file.",
            reason="too many pixels",
        ) from error
    except Exception as error:  # codecs raise what they like on damaged data, and every such file is one thing: damaged
        raise _damaged(name, error) from error
    metadata, orientation = read_metadata(data, inspection)
    if inspection.icc is not None:
        conversions.append(f"ICC profile kept, not applied (sha256 {sha256_bytes(inspection.icc)})")
    height, width = pixels.shape[:2]
    return Photo(
        source=name,
        size_bytes=len(data),
        sha256=digest,
        pixels=pixels,
        decode=Decode(
            reader=samples.reader,
            version=samples.version,
            format=inspection.format,
            width=width,
            height=height,
            bits=inspection.bits,
            pages=inspection.pages,
            orientation=orientation,
            conversions=tuple(conversions),
            integrity=inspection.findings.integrity(),
        ),
        metadata=metadata,
    )


def _inspect(name: str, data: bytes) -> Inspection:
    format_name = formats.sniff(data)
    if format_name is None:
        raise InputError(
            f"{name!r} is not an image: its content is of no known image format, whatever its name; "
            f"expected one of {_READABLE}.",
            reason="not an image",
        )
    return inspect(data, format_name)


def _check_size(name: str, inspection: Inspection, max_pixels: int) -> None:
    count = inspection.width * inspection.height
    if count > max_pixels:
        raise InputError(
            f"{name!r} says it has {inspection.width} x {inspection.height} = {count} pixels; expected at most "
            f"{max_pixels}. Raise the pixel limit if the file is to be trusted.",
            reason="too many pixels",
        )


def _damaged(name: str, error: Exception) -> InputError:
    words = " ".join((str(error) or type(error).__name__).split())[:200]
    cause = words if isinstance(error, BrokenHeaderError) else f"the decoder says: {words}"
    return InputError(
        f"{name!r} is damaged and nothing of it can be decoded ({cause}); expected a whole image. "
        "Copy it again from its source.",
        reason="damaged",
    )


def _read_bytes(name: str) -> bytes:
    """Return a regular file's content. Anything else is refused before it is opened, so that no pipe can block."""
    try:
        status = Path(name).stat()
    except (OSError, ValueError) as error:
        raise _path_error(name, error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = _kind(status.st_mode)
        hint = (
            "Name the files in it, or use a command for folders." if kind == "a folder" else "Copy its data to a file."
        )
        raise InputError(f"{name!r} is {kind}; expected a regular file. {hint}", reason="not a file")
    try:
        # Non-blocking: should the file have been exchanged for a pipe since the check, opening returns all the same.
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as stream:
            opened = os.fstat(descriptor)
            data = stream.read() if stat.S_ISREG(opened.st_mode) else b""
    except OSError as error:
        raise _path_error(name, error) from error
    if not os.path.samestat(status, opened) or len(data) != opened.st_size:
        raise InputError(
            f"{name!r} changed while it was being read ({len(data)} bytes read, {status.st_size} announced); expected "
            "a file at rest. Try again when nothing writes to it.",
            reason="unreadable",
        )
    return data


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
    )
    return next((words for test, words in kinds if test(mode)), "no regular file")


def _path_error(name: str, error: OSError | ValueError) -> InputError:
    code = error.errno if isinstance(error, OSError) else errno.EINVAL
    if code in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL, errno.ENAMETOOLONG):
        return InputError(f"{name!r} does not exist; expected an image file. Check the path.", reason="missing")
    cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(
        f"{name!r} cannot be read ({cause}); expected a readable file. Check its permissions and the disk.",
        reason="unreadable",
    )
