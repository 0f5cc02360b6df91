"""Names below a folder: text that came from elsewhere names a place inside it, or is refused."""

LONGEST_NAME = 4096  # bytes that systems allow a path to have


def stays_inside(name: str) -> bool:
    """Say whether a name, its parts apart by `/`, stays below the folder that it is joined to.

    An absolute name, an empty part, `.`, `..` and the null character do not.
    """
    return bool(name) and "\0" not in name and all(part not in ("", ".", "..") for part in name.split("/"))


def parts_of(name: str) -> list[str]:
    """Return the parts of a name below a folder. Raises ValueError where it would lead outside."""
    if not stays_inside(name):
        raise ValueError(f"{name!r} does not stay below its folder; expected a relative path without '.' and '..'")
    return name.split("/")
