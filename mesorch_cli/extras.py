"""Optional packages: how to install what a command needs and this installation lacks."""

from importlib.util import find_spec

EXTRAS = ("train", "export", "plots", "cluster", "pdf", "raw")


def install_hint(extra: str) -> str:
    """Return the command that installs an extra from the tool's own folder, never by name from a package index.

    The project is on no package index, so anyone could register its name there and give users anything.
    """
    if extra not in EXTRAS:
        raise ValueError(f"{extra!r} is not an extra. Expected one of {', '.join(EXTRAS)}")
    return f"`pip install '.[{extra}]'` in the folder of the mesorch sources"


def installed(package: str) -> bool:
    """Return whether a package can be imported, without importing it."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # something in this process refuses it
        return False
