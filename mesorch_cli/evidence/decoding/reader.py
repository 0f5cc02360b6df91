"""The entry point: a path or bytes in, a Photo out, or one clear sentence that says why not."""

import errno
import mmap
import os
import stat
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.colour import to_rgb
from mesorch_cli.evidence.containers import png
from mesorch_cli.evidence.decoding.comparison import compare
from mesorch_cli.evidence.decoding.integrity import check_decoded, decode, inspect
from mesorch_cli.evidence.format import HEAD_BYTES
from mesorch_cli.evidence.formats.registry import FORMATS, NAMES
from mesorch_cli.evidence.formats.sniffing import sniff
from mesorch_cli.evidence.inspection import BrokenHeaderError, Inspection, NoSuchPageError, UnsupportedError
from mesorch_cli.evidence.metadata.statements import read_statements, wanted, with_statements
from mesorch_cli.evidence.metadata.summary import read_metadata
from mesorch_cli.evidence.metadata.thumbnail import MAX_SIDE, find_thumbnail
from mesorch_cli.evidence.photo import Content, Decode, Photo, ReadOptions
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.files.reading import opened_below

MAPPED_BYTES = 1 << 28  # a TIFF above 256 MiB is mapped, and its strips are read when they are needed
NO_ROOM = (errno.ENOMEM, errno.ENOSPC, errno.EFBIG)
THUMBNAIL_OPTIONS = ReadOptions(max_pixels=MAX_SIDE * MAX_SIDE, checks=False)
PACKAGE = Path(__file__).resolve().parents[2]
PROGRAMMING = (TypeError, AttributeError, AssertionError, NameError)
_READABLE = ", ".join(NAMES)


def read_photo(
    source: str | Path,
    *,
    data: bytes | None = None,
    path: str | None = None,
    root: Path | None = None,
    options: ReadOptions | None = None,
    on_photo: Callable[[Photo], None] | None = None,
) -> Photo:
    """Read a photo: its bytes, read once and read-only, its pixels as stored, and what is wrong with either.

    `data` holds the bytes if they came from elsewhere (standard input); `source` is then only a name. `path` is the
    file to open, if `source` is another name for it. With `root`, it lies below that folder, and no link is followed on
    the way, because others may swap folders meanwhile. `on_photo` receives the photo before C2PA's library and ExifTool
    run: these may hang or crash, and the pixels do not depend on them. The number of pixels is compared with the limit
    before anything is decoded. A damaged file that still decodes has `decode.integrity.ok` False, and the caller
    decides what to do with it.

    Raises InputError with the reason "missing", "not a file", "unreadable", "empty", "not an image", "unsupported
    format", "too many pixels", "too little memory", "no such page", "no thumbnail" (if one was asked for) or "damaged"
    (nothing could be decoded).
    """
    name = os.fsdecode(source)
    options = options or ReadOptions()
    if data is not None:
        return _from_content(name, data, options, on_photo)
    with _opened(name, name if path is None else path, root) as content:
        return _from_content(name, content, options, on_photo)


def _from_content(name: str, data: Content, options: ReadOptions, on_photo: Callable[[Photo], None] | None) -> Photo:
    if not len(data):
        raise InputError(
            f"{name!r} is empty (0 bytes). Expected an image: copy it again from its source.", reason="empty"
        )
    digest = sha256_bytes(data)
    try:
        inspection = _inspect(name, data, options.page)
        if options.thumbnail:
            return _from_content(name, _thumbnail(name, inspection), THUMBNAIL_OPTIONS, None)
        _check_size(name, inspection, options.max_pixels)
        samples = decode(data, inspection)
        if options.checks:
            check_decoded(data, inspection, samples)
        if options.indices:
            samples = png.with_indices(data, inspection, samples)
        comparison = compare(data, inspection, samples) if options.compare_decoders else None
        conversions = samples.conversions
        pixels = to_rgb(samples, alpha=options.alpha)
    except InputError:
        raise
    except UnsupportedError as error:
        raise InputError(
            f"{name!r} is {error}, which this tool does not read. Expected one of {_READABLE}. Convert it losslessly "
            "to PNG.",
            reason="unsupported format",
        ) from error
    except NoSuchPageError as error:
        raise InputError(f"{name!r} {error}. Choose another --page, counted from 1.", reason="no such page") from error
    except Exception as error:  # codecs raise all kinds of errors on damaged data, and all of them mean: damaged
        if _is_out_of_memory(error):
            raise InputError(
                f"{name!r} does not fit into memory when decoded. Expected a smaller picture. Allow more memory with "
                "--decode-memory, or free space in the folder for temporary files.",
                reason="too little memory",
            ) from error
        if _is_our_fault(error):
            raise _fault(name, error) from error
        raise _damaged(name, error) from error
    metadata: dict[str, Any] = {}
    orientation = inspection.orientation or 1
    if options.checks:
        metadata, orientation = read_metadata(data, inspection, pixels[..., :3])
    icc_sha256 = None
    if inspection.icc is not None:
        icc_sha256 = sha256_bytes(inspection.icc)
        conversions.append(f"ICC profile kept, not applied (sha256 {icc_sha256})")
    height, width = pixels.shape[:2]
    photo = Photo(
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
            page=inspection.page,
            icc_sha256=icc_sha256,
            comparison=comparison,
        ),
        metadata=metadata,
    )
    if not wanted(options):
        return photo
    if on_photo is not None:
        on_photo(photo)
    return with_statements(photo, read_statements(data, inspection.format, options))


def _thumbnail(name: str, inspection: Inspection) -> bytes:
    content = find_thumbnail(inspection.exif)
    if content is None:
        raise InputError(
            f"{name!r} has no embedded thumbnail. Expected a photo with an EXIF block that holds one.",
            reason="no thumbnail",
        )
    return content


def _is_out_of_memory(error: Exception) -> bool:
    """Tell a lack of memory or disk space from damage. Codecs word it differently."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in NO_ROOM):
        return True
    words = str(error).lower()
    return any(sign in words for sign in ("insufficient memory", "out of memory", "memory allocation", "bad_alloc"))


def _is_our_fault(error: Exception) -> bool:
    """Tell an error of this program from damage: a kind of error that no data causes, raised by its own code."""
    if not isinstance(error, PROGRAMMING) or error.__traceback__ is None:
        return False
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).is_relative_to(PACKAGE)


def _fault(name: str, error: Exception) -> InputError:
    kind = type(error).__name__
    words = " ".join(f"{kind}: {error}".split())[:200]
    return InputError(
        f"{name!r} was not read: {words}. This is a fault of mesorch or of this machine, not of the file.",
        reason=f"fault: {kind}",
    )


def _inspect(name: str, data: Content, page: int | None) -> Inspection:
    format_ = sniff(data[:HEAD_BYTES])
    if format_ is None:
        raise InputError(
            f"{name!r} is not an image: its content is in no known image format, whatever its name. "
            f"Expected one of {_READABLE}.",
            reason="not an image",
        )
    return inspect(data, format_, page)


def _check_size(name: str, inspection: Inspection, max_pixels: int) -> None:
    count = inspection.width * inspection.height
    if count > max_pixels:
        raise InputError(
            f"{name!r} claims {inspection.width} x {inspection.height} = {count} pixels. Expected at most "
            f"{max_pixels}. If you trust the file, raise --max-pixels of `detect` or `batch`.",
            reason="too many pixels",
        )


def _damaged(name: str, error: Exception) -> InputError:
    words = " ".join((str(error) or type(error).__name__).split())[:200]
    cause = words if isinstance(error, BrokenHeaderError) else f"the decoder says: {words}"
    return InputError(
        f"{name!r} is damaged, and nothing in it can be decoded ({cause}). Expected an intact image: "
        "copy it again from its source.",
        reason="damaged",
    )


@contextmanager
def _opened(name: str, path: str, root: Path | None) -> Iterator[Content]:
    """Return the content of a regular file. Raises InputError for anything else."""
    stream, status = _stream(name, path) if root is None else (_stream_below(name, path, root), None)
    with stream:
        descriptor = stream.fileno()
        try:
            opened = os.fstat(descriptor)
            data = _content(stream, opened)
        except OSError as error:
            raise _path_error(name, error) from error
        if (status is not None and not os.path.samestat(status, opened)) or len(data) != opened.st_size:
            raise _changed(name, len(data), opened.st_size)
        yield data
        if isinstance(data, mmap.mmap):  # it was read piece by piece: hash and pixels must belong to the same file
            after = os.fstat(descriptor)
            if (after.st_size, after.st_mtime_ns) != (opened.st_size, opened.st_mtime_ns):
                raise _changed(name, after.st_size, opened.st_size)


def _stream_below(name: str, path: str, root: Path) -> BinaryIO:
    try:
        return opened_below(root, path)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise InputError(
                f"{name!r} {error.strerror}; expected one. Copy its data to a file.", reason="not a file"
            ) from error
        raise _path_error(name, error) from error
    except ValueError as error:
        raise _path_error(name, error) from error


def _stream(name: str, path: str) -> tuple[BinaryIO, os.stat_result]:
    """Open a regular file. Return it, with its status from before.

    Anything else is refused before it is opened, as a pipe could block.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        raise _path_error(name, error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = _kind(status.st_mode)
        hint = (
            "Give the folder to `mesorch batch`, or name the files in it."
            if kind == "a folder"
            else "Copy its data to a file."
        )
        raise InputError(f"{name!r} is {kind}; expected a regular file. {hint}", reason="not a file")
    try:
        # Non-blocking: opening returns even if someone swapped the file for a pipe after the check.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        stream = os.fdopen(descriptor, "rb")
    except OSError as error:
        raise _path_error(name, error) from error
    return stream, status


def _content(stream: BinaryIO, opened: os.stat_result) -> Content:
    """Return all bytes of an opened file, or a mapping of a very large TIFF."""
    if not stat.S_ISREG(opened.st_mode):
        return b""
    if opened.st_size > MAPPED_BYTES:
        head = stream.read(HEAD_BYTES)
        if any(format_.read_in_place and format_.recognises(head) for format_ in FORMATS):
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        return head + stream.read()
    return stream.read()


def _changed(name: str, found: int, announced: int) -> InputError:
    return InputError(
        f"{name!r} changed while it was being read ({found} bytes read, {announced} announced). Try again when no "
        "program writes to it.",
        reason="unreadable",
    )


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
        return InputError(f"{name!r} does not exist. Expected an image file: check the path.", reason="missing")
    cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(
        f"{name!r} cannot be read ({cause}). Expected a readable file: check its permissions and the disk.",
        reason="unreadable",
    )
