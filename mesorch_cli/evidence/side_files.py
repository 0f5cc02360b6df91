"""Files that systems leave beside photos. They are recognised and never taken for damaged photos."""

APPLE_DOUBLE = "macOS side file (AppleDouble)"
_DOUBLE_STARTS = (b"\x00\x05\x16\x07", b"\x00\x05\x16\x00")
_NAMED = {
    ".ds_store": "macOS folder settings (.DS_Store)",
    "thumbs.db": "Windows thumbnail cache",
    "ehthumbs.db": "Windows thumbnail cache",
    "ehthumbs_vista.db": "Windows thumbnail cache",
    "desktop.ini": "Windows folder settings (desktop.ini)",
}


def side_file(name: str, head: bytes) -> str | None:
    """Return the kind of side file, None for any other file. name: without its folder. head: its first bytes.

    A file with a macOS side file's name (`._x.jpg`) is one only if its content says so, as such a name may hide a
    photo. The others are recognised by their names. A file that begins like a photo is still a photo; the caller checks
    that first.
    """
    if name.startswith("._") and head.startswith(_DOUBLE_STARTS):
        return APPLE_DOUBLE
    return _NAMED.get(name.lower())
