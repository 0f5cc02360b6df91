"""The notes on a file's own statements in a few words each, for lists, tables and filters; its page has the whole texts."""

import re
from collections.abc import Mapping
from typing import Any

# As `evidence.metadata.consistency` words them. What is not named here (standard tables, say) is too common for a list.
KINDS = {
    "editor named": re.compile("note: the software named is an editor "),
    "saved by an editor": re.compile("note: as far as can be told the file was last saved by an editor "),
    "two programs named": re.compile("note: EXIF names the software "),
    "edit history": re.compile("note: the XMP history has "),
    "thumbnail differs": re.compile("note: the embedded thumbnail does not look like the photo "),
    "dates differ": re.compile(r"note: (DateTime\w* |the file was written at )"),
    "size differs": re.compile(r"note: EXIF says \d+ x \d+ pixels, "),
}


def kinds_of(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the kinds of notes that a record has, in the order of KINDS, each once."""
    notes = [note for note in record["metadata"].get("notes") or () if isinstance(note, str)]
    return tuple(kind for kind, words in KINDS.items() if any(words.match(note) for note in notes))
