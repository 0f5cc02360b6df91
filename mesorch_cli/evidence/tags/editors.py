"""Names that editing programs use for themselves in a file's metadata."""

import re

# What a program writes into EXIF's Software or XMP's CreatorTool, more specific names first.
_EDITORS: tuple[tuple[str, str], ...] = (
    ("Adobe Lightroom", r"lightroom"),
    ("Adobe Photoshop Elements", r"photoshop\W+elements"),
    ("Adobe Photoshop", r"photoshop"),
    ("Adobe Firefly", r"firefly"),
    ("GIMP", r"gimp"),
    ("Affinity Photo", r"affinity"),
    ("Capture One", r"capture one"),
    ("Snapseed", r"snapseed"),
    ("PicsArt", r"picsart"),
    ("Facetune", r"facetune"),
    ("Pixelmator", r"pixelmator"),
    ("Paint.NET", r"paint\.?net"),
    ("Paint Shop Pro", r"paint shop"),
    ("Corel", r"corel"),
    ("Luminar", r"luminar"),
    ("darktable", r"darktable"),
    ("RawTherapee", r"rawtherapee"),
    ("Canva", r"canva"),
    ("Meitu", r"meitu"),
    ("FaceApp", r"faceapp"),
    ("Remini", r"remini"),
    ("InShot", r"inshot"),
    ("VSCO", r"vsco"),
    ("Polarr", r"polarr"),
    ("Krita", r"krita"),
    ("ACDSee", r"acdsee"),
    ("IrfanView", r"irfanview"),
    ("XnView", r"xnview"),
    ("ImageMagick", r"imagemagick"),
    ("Picasa", r"picasa"),
    ("PhotoScape", r"photoscape"),
    ("Fotor", r"fotor"),
    ("Midjourney", r"midjourney"),
    ("Stable Diffusion", r"stable diffusion"),
    ("DALL-E", r"dall-e"),
)
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _EDITORS)
MAX_TEXT = 2000  # characters of a name that are examined


def editor_of(software: object) -> str | None:
    """Return the editing program that a text names, or None."""
    if not isinstance(software, str):
        return None
    return next((name for name, pattern in _PATTERNS if pattern.search(software[:MAX_TEXT])), None)


def same_house(first: str, second: str) -> bool:
    """Return whether two programs come from one maker: Adobe's write the same tables and segments."""
    return first.split()[0] == second.split()[0]
