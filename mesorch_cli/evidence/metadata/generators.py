"""Texts that image generators leave in a file: settings, prompts, job numbers and labels, as opposed to captions.

A name alone is not enough, as any text may be called "prompt". Each rule also requires what the generator writes.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from mesorch_cli.evidence.metadata.plain import MAX_TEXT
from mesorch_cli.evidence.metadata.plain import text as plain_text

AIGC_FIELDS = ("ContentProducer", "ProduceID", "ContentPropagator", "PropagateID", "ReservedCode1", "ReservedCode2")
_SHOWN = 240  # characters from the beginning and from the decisive place of a text longer than MAX_TEXT
_LOOKED_AT = 1 << 16  # characters of one text

# Stable Diffusion's web UIs: a line of settings below the prompts.
_PARAMETERS = re.compile(r"\bSteps: \d{1,5}, [^\n]{0,400}?\b(?:Sampler|CFG scale|Seed): ")
_DREAM = re.compile(r'"[^\n]*" [^\n]*-[sSWHCA] ?[\w.]+')  # InvokeAI's first form: a prompt in quotes, and switches
_NODES = re.compile(r'"class_type"|"inputs"')  # ComfyUI, of `prompt`
_GRAPH = re.compile(r'"last_node_id"|"nodes"')  # ComfyUI, of `workflow`
_NODE = re.compile(r'"class_type"')
_ANYTHING = re.compile(r'"')
_MIDJOURNEY = re.compile(r"\bJob ID: [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_NOVELAI = re.compile(r'\bNovelAI\b|"(?:uc|request_type|noise_schedule)" ?:')
_AIGC_LABEL = re.compile(r'\\?"Label\\?"\s*:\s*\\?"?([^"\\,}]{1,64})')
_AIGC_FIELD = re.compile(r'\\?"(?:' + "|".join(AIGC_FIELDS) + r')\\?"\s*:')
_XAI_SIGNATURE = re.compile(r"Signature:\s{0,8}[A-Za-z0-9+/=]{64,}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# PNG text by its key: (the rule, whether the text has to be JSON).
_KEYED: dict[str, tuple[re.Pattern[str], bool]] = {
    "parameters": (_PARAMETERS, False),
    "prompt": (_NODES, True),
    "workflow": (_GRAPH, True),
    "Dream": (_DREAM, False),
    "sd-metadata": (_ANYTHING, True),
    "invokeai_metadata": (_ANYTHING, True),
}


class Told(NamedTuple):
    """What a text means: "generator" (a generator's own fields), "generated" or "involved"; and the text, bounded."""

    kind: Literal["generator", "generated", "involved"]
    text: str


def told_by_png(texts: Mapping[str, str]) -> list[tuple[str, Told]]:
    """Return (key, meaning) for the texts of a PNG, given by key."""
    found = []
    for key, text in texts.items():
        rule = _KEYED.get(key)
        told = _by_rule(text, *rule) if rule else None
        if key == "AIGC":
            told = label_in(text)
        elif key == "Description":
            told = told_by_comment(text)
        elif key == "Software" and text.strip() == "NovelAI":
            told = Told("generator", shown(text, 0))
        elif key == "Comment":
            told = _by_rule(text, _NOVELAI, True) or told_by_comment(text)
        if told is not None:
            found.append((key, told))
    return found


def told_by_comment(text: str) -> Told | None:
    """Return the meaning of a free text (EXIF UserComment and ImageDescription, XMP captions), or None."""
    text = text[:_LOOKED_AT]
    for rule, as_json in ((_PARAMETERS, False), (_MIDJOURNEY, False), (_NODE, True)):
        told = _by_rule(text, rule, as_json)
        if told is not None:
            return told
    if text.lstrip().startswith("{") and '"NovelAI"' in text:
        return Told("generator", shown(text, text.index('"NovelAI"')))
    return label_in(text) if text.lstrip().startswith("{") else None


def told_by_comfyui(text: str) -> Told | None:
    """Return the meaning of EXIF Make or Model, where ComfyUI's WebP files hold "workflow:" or "prompt:" and JSON."""
    for name, rule in (("prompt:", _NODES), ("workflow:", _GRAPH)):
        if text.startswith(name):
            return _by_rule(text.removeprefix(name), rule, True)
    return None


def told_by_pair(description: str, artist: str) -> Told | None:
    """Return the meaning of a signature with a UUID as the artist, a pair reported for files from xAI's Grok."""
    if _XAI_SIGNATURE.match(description) and _UUID.fullmatch(artist.strip()):
        return Told("generator", shown(f"{description[:80]}..., artist {artist.strip()}", 0))
    return None


def label_in(text: str) -> Told | None:
    """Return the label of China's GB 45438-2025 (TC260) from JSON that may be cut short, None without one.

    Label 1 means generated, 2 possibly, 3 presumably. Other values are returned as they are.
    """
    text = text[:_LOOKED_AT]
    label, field = _AIGC_LABEL.search(text), _AIGC_FIELD.search(text)
    if label is None or field is None:
        return None
    return Told("generated" if label[1].strip() == "1" else "involved", shown(text, label.start()))


def shown(text: str, at: int) -> str:
    """Return a text of at most MAX_TEXT characters: its beginning and, if it is cut, the decisive place."""
    if len(text) <= MAX_TEXT:
        return plain_text(text)
    if at + _SHOWN <= MAX_TEXT:
        return plain_text(text)
    return plain_text(f"{text[:_SHOWN]} [...] {text[at : at + _SHOWN]}")


def _by_rule(text: str, rule: re.Pattern[str], as_json: bool) -> Told | None:
    text = text[:_LOOKED_AT]
    if as_json and not text.lstrip().startswith("{"):
        return None
    found = rule.search(text)
    return Told("generator", shown(text, found.start())) if found else None
