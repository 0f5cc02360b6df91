"""Messages between two processes over a local socket: a JSON object, and a file descriptor if one is needed."""

import json
import os
import socket
import struct
import time
from typing import Any

_LENGTH = struct.Struct(">Q")
LONGEST = 1 << 24  # bytes of one message; larger content travels as a file


class Channel:
    """One end of a socket. It carries only JSON: a process hijacked by a hostile file must not send code."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: dict[str, Any], descriptor: int | None = None) -> None:
        """Send an object, which may contain lone surrogates, as odd file names do. OSError if the other end is gone."""
        data = json.dumps(message, ensure_ascii=True, allow_nan=False).encode("ascii")
        self._end.settimeout(None)
        socket.send_fds(self._end, [_LENGTH.pack(len(data))], [] if descriptor is None else [descriptor])
        self._end.sendall(data)

    def receive(self, seconds: float | None = None) -> tuple[dict[str, Any], int | None]:
        """Return the next object and its descriptor, which the caller must close.

        Raises TimeoutError after `seconds`, EOFError if the other end is gone, ValueError for anything but an object.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        self._wait_until(deadline)
        try:
            head, descriptors, _, _ = socket.recv_fds(self._end, _LENGTH.size, 1)
        except ConnectionError as error:
            raise EOFError("the other end is gone") from error
        descriptor = descriptors[0] if descriptors else None
        try:
            return self._message(head, deadline), descriptor
        except BaseException:
            if descriptor is not None:
                os.close(descriptor)
            raise

    def _message(self, head: bytes, deadline: float | None) -> dict[str, Any]:
        if len(head) < _LENGTH.size:
            raise EOFError("the other end is gone")
        (length,) = _LENGTH.unpack(head)
        if length > LONGEST:
            raise ValueError(f"a message of {length} bytes; expected at most {LONGEST}")
        try:
            message = json.loads(self._exactly(length, deadline), parse_constant=_no_number)
        except RecursionError as error:
            raise ValueError("a message that is nested too deep") from error
        if not isinstance(message, dict):
            raise ValueError(f"a message that is a {type(message).__name__}; expected an object")
        return message

    def close(self) -> None:
        self._end.close()

    def _exactly(self, length: int, deadline: float | None) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            self._wait_until(deadline)
            try:
                piece = self._end.recv(min(length - len(parts), 1 << 20))
            except ConnectionError as error:
                raise EOFError("the other end is gone") from error
            if not piece:
                raise EOFError("the other end is gone")
            parts += piece
        return bytes(parts)

    def _wait_until(self, deadline: float | None) -> None:
        self._end.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0.001))


def _no_number(name: str) -> None:
    raise ValueError(f"a message with the number {name}; expected finite ones")
