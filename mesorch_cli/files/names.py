"""Names below a folder. Text from outside must name a place inside the folder, or it is refused."""

LONGEST_NAME = 4096  # bytes in a path that systems allow


def stays_inside(name: str) -> bool:
    """Return whether a name, with parts separated by `/`, stays below the folder that it is joined to.

    Names that are absolute, or contain an empty part, `.`, `..` or the null character, do not.
    """
    return bool(name) and "\0" not in name and all(part not in ("", ".", "..") for part in name.split("/"))


def parts_of(name: str) -> list[str]:
    """Return the parts of a name below a folder. Raises ValueError if it would lead outside."""
    if not stays_inside(name):
        raise ValueError(f"{name!r} does not stay below its folder. Expected a relative path without '.' and '..'")
    return name.split("/")


def json_path(path: str) -> str:
    """Return a path as text for JSON. Bytes that are not UTF-8 become \\xNN."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
