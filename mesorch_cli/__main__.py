"""The command `mesorch`."""

import sys

from mesorch_cli.cli.app import app
from mesorch_cli.cli.console import say_error
from mesorch_cli.cli.streams import standard_streams


def main() -> None:
    """Run the command line and exit with its code, whether or not its output was read."""
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
