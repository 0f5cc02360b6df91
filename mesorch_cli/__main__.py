"""The command `mesorch`."""

import gc
import sys

from mesorch_cli.cli.app import app
from mesorch_cli.cli.console import say_error
from mesorch_cli.cli.streams import standard_streams

# Objects between two collections of garbage. Importing makes many that stay, and every collection looks at them all.
GARBAGE_AFTER = 20_000


def main() -> None:
    """Run the command line and exit with its code, whether or not its output was read."""
    gc.set_threshold(GARBAGE_AFTER)
    with standard_streams() as streams:
        try:
            app(prog_name="mesorch")
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stdout.flush()
        if streams.problem is not None:
            say_error(streams.problem)
    raise SystemExit(streams.exit_code(code))


if __name__ == "__main__":
    main()
