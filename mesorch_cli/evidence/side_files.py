"""Files that systems leave beside photos, and that are none: named for what they are, and never taken for damaged photos."""

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
    """Return what kind of side file this is, None for any other. name: without its folder; head: its first bytes.

    A file named as those of macOS (`._x.jpg`) is one only where its content says so: a photo may be hidden by such a
    name. The others are told by their names; what they hold is still a photo if it begins as one, which the caller asks
    first.
    """
    if name.startswith("._") and head.startswith(_DOUBLE_STARTS):
        return APPLE_DOUBLE
    return _NAMED.get(name.lower())
