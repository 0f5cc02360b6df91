"""The process in which photos are decoded: it reads one at a time in a sandbox, and dies alone where a codec does."""

import os
import signal
import socket
import traceback
from dataclasses import asdict
from typing import Any

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import sandbox, storage
from mesorch_cli.evidence.channel import Channel
from mesorch_cli.evidence.photo import Photo, ReadOptions
from mesorch_cli.evidence.reader import read_photo

CPU_GRACE_S = 5


def serve(descriptor: int, bounds: sandbox.Bounds, seconds: float, *, programs: bool) -> None:
    """Answer requests on the socket `descriptor` until the other end closes it.

    seconds: of processor time for one photo, a backstop should the parent be gone and nobody watch the clock. programs:
    whether ExifTool will be asked for. The first message says what the sandbox is made of.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the socket
    channel = Channel(socket.socket(fileno=descriptor))
    channel.send({"ready": os.getpid(), "isolation": sandbox.enter(bounds, programs=programs)})
    while True:
        try:
            request, content = channel.receive()
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, seconds + CPU_GRACE_S)  # its signal ends the process
        answer, pixels = _answer(request, content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        try:
            channel.send(answer, pixels)
        except OSError:
            return
        finally:
            if pixels is not None:
                os.close(pixels)


def _answer(request: dict[str, Any], content: int | None) -> tuple[dict[str, Any], int | None]:
    """Read one photo; return the message about it and the file that holds its pixels."""
    try:
        data = None
        if content is not None:
            with os.fdopen(content, "rb") as stream:
                stream.seek(0)
                data = stream.read()
        photo = read_photo(
            request["source"], data=data, path=request["path"], options=ReadOptions(**request["options"])
        )
        return described(photo), storage.shared(photo.pixels)
    except InputError as error:
        return {"error": str(error), "reason": error.reason}, None
    except Exception as error:  # noqa: BLE001  # a fault of ours: told to the parent, whose run goes on
        return {"fault": traceback.format_exc(limit=-3)[-2000:], "kind": type(error).__name__}, None


def described(photo: Photo) -> dict[str, Any]:
    """Return all of a photo but its pixels, and their shape and type."""
    values = {name: value for name, value in vars(photo).items() if name not in ("pixels", "decode")}
    decode = {name: value for name, value in asdict(photo.decode).items() if name != "isolation"}
    return {"photo": values, "decode": decode, "shape": photo.pixels.shape, "dtype": photo.pixels.dtype.name}
