"""Optional packages: how to get what a command needs and this installation lacks."""

EXTRAS = ("train", "export", "plots", "cluster", "pdf", "raw")


def install_hint(extra: str) -> str:
    """Return what installs an extra: from the folder that the tool was installed from, never by a name of an index.

    The project has no name on a package index; whoever registered one there could give its users anything.
    """
    if extra not in EXTRAS:
        raise ValueError(f"{extra!r} is no extra; expected one of {', '.join(EXTRAS)}")
    return f"`pip install '.[{extra}]'` in the folder of the mesorch sources"
