"""Runs of the tool as real processes, many for one start of Python: this program loads everything once and forks.

A line of JSON on standard input is a run: argv, lines (of stdout to wait for), signal (sent then, null for none), file_size
(limit of every file written, null for none). A line of JSON on standard output is what came of it: code, lines, errors.
"""

import json
import os
import resource
import signal
import sys
import tempfile
from typing import Any


def child(argv: list[str], pipe: int, errors: int, file_size: int | None) -> None:
    from mesorch_cli.cli.app import app

    os.dup2(pipe, 1)
    os.dup2(errors, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    sys.argv = ["mesorch", *argv]
    code = 0
    try:
        app(argv)
    except SystemExit as stop:
        code = int(stop.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(wanted: dict[str, Any]) -> dict[str, Any]:
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as errors:
        process = os.fork()
        if process == 0:
            os.close(reader)
            child(wanted["argv"], writer, errors.fileno(), wanted["file_size"])
        os.close(writer)
        lines = []
        with os.fdopen(reader, "r") as stream:
            for line in stream:
                lines.append(line)
                if wanted["signal"] is not None and len(lines) == wanted["lines"]:
                    os.kill(process, wanted["signal"])
        status = os.waitpid(process, 0)[1]
        errors.seek(0)
        said = errors.read().decode()
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    return {"code": os.waitstatus_to_exitcode(status), "lines": whole, "errors": said}


def main() -> None:
    from typer.testing import CliRunner

    from mesorch_cli.cli.app import app

    CliRunner().invoke(app, sys.argv[1:])  # everything heavy is loaded before the first fork
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
