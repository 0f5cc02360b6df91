"""The process that decodes photos. It reads one at a time in a sandbox, and a crashing codec takes only it down."""

import os
import signal
import socket
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import storage
from mesorch_cli.evidence.decoding.reader import read_photo
from mesorch_cli.evidence.isolation import sandbox
from mesorch_cli.evidence.isolation.channel import Channel
from mesorch_cli.evidence.metadata.statements import wanted
from mesorch_cli.evidence.photo import Photo, ReadOptions

CPU_GRACE_S = 5


def serve(descriptor: int, bounds: sandbox.Bounds, seconds: float, *, programs: bool) -> None:
    """Answer requests on the socket `descriptor` until the other end closes it.

    seconds: processor time for one photo, a backstop in case the parent is gone and nobody watches the clock. programs:
    whether ExifTool will be used. The first message names the parts of the sandbox.
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
        try:
            _answer(channel, request, content)
        except OSError:
            return
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(channel: Channel, request: dict[str, Any], content: int | None) -> None:
    """Read one photo and send it, or the reason why it cannot be read. Raises OSError if the other end is gone.

    If other programs examine it too, a second message holds metadata and provenance with their answers, and the first
    says "more". If this process dies in between, the photo has already arrived.
    """
    options = ReadOptions(**request["options"])
    try:
        data = None
        if content is not None:
            with os.fdopen(content, "rb") as stream:
                stream.seek(0)
                data = stream.read()
        photo = read_photo(
            request["source"],
            data=data,
            path=request["path"],
            root=None if request["root"] is None else Path(request["root"]),
            options=options,
            on_photo=lambda photo: _send(channel, photo, more=True),
        )
        if wanted(options):
            channel.send({"metadata": photo.metadata, "provenance": photo.provenance})
        else:
            _send(channel, photo, more=False)
    except InputError as error:
        channel.send({"error": str(error), "reason": error.reason})
    except Exception as error:  # noqa: BLE001  # a fault of ours, reported to the parent, which continues
        channel.send({"fault": traceback.format_exc(limit=-3)[-2000:], "kind": type(error).__name__})


def _send(channel: Channel, photo: Photo, *, more: bool) -> None:
    pixels = storage.shared(photo.pixels)
    try:
        channel.send(described(photo) | {"more": more}, pixels)
    finally:
        os.close(pixels)


def described(photo: Photo) -> dict[str, Any]:
    """Return everything about a photo except its pixels, of which only shape and type."""
    values = {name: value for name, value in vars(photo).items() if name not in ("pixels", "decode")}
    decode = {name: value for name, value in asdict(photo.decode).items() if name != "isolation"}
    return {"photo": values, "decode": decode, "shape": photo.pixels.shape, "dtype": photo.pixels.dtype.name}
