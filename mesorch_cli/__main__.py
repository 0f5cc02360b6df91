"""The command `mesorch`."""

from mesorch_cli.cli.app import app


def main() -> None:
    """Run the command line."""
    app(prog_name="mesorch")


if __name__ == "__main__":
    main()
