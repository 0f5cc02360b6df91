"""Ctrl-C and SIGTERM, for commands that finish the work in progress before they stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from mesorch_cli.cli.console import say


class Stop:
    """Whether the command was asked to stop. Call the object to find out."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> bool:
        return self._event.is_set()

    def ask(self) -> None:
        """Ask the command to stop."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the request to stop, for at most so many seconds. Return whether it came."""
        return self._event.wait(seconds)


@contextmanager
def stopping() -> Iterator[Stop]:
    """While inside, the first SIGINT or SIGTERM asks for a stop. A second SIGINT interrupts at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread receives signals
        return

    def asked(number: int, _frame: FrameType | None) -> None:
        if stop() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.ask()
        with suppress(RuntimeError):  # the signal arrived during a write to standard error
            say("stopping after the photo in progress; press Ctrl-C again to stop at once.")

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
