"""Finds other files that an ONNX graph refers to, by reading its messages without a parser or loading anything.

The runtime would open files that a graph names. What was hashed is the graph alone, so a graph that names any is
refused.
"""

from collections.abc import Iterator

from mesorch_cli.errors import WeightsError

MOST_DEPTH = 32  # of graphs within nodes
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
# Fields that hold messages in which a tensor may be, by the kind of message: field -> kind within.
INSIDE = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # of a tensor
OPERATOR = 4  # of a node
LOOPS = (b"Loop", b"Scan")  # no network of the family has one, and it may never end
COMPILED = b"EPContext"  # names a file that a provider compiled


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("it ends within a number")
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield the fields of a message: number, and its bytes or its whole number. Raises ValueError if it is none."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if kind == LENGTH:
            size, at = _varint(data, at)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            size = 8 if kind == EIGHT_BYTES else 4
        else:
            raise ValueError(f"a field of the kind {kind}")
        if size > len(data) - at:
            raise ValueError("it ends within a field")
        yield tag >> 3, data[at : at + size]
        at += size


def _outside(data: memoryview, kind: str, depth: int) -> str | None:
    """Return what a message asks for beside itself, None if nothing."""
    if depth > MOST_DEPTH:
        raise ValueError(f"graphs nested more than {MOST_DEPTH} deep")
    for number, value in fields(data):
        if kind == "tensor" and (number == EXTERNAL_DATA or (number == DATA_LOCATION and value)):
            return "tensors in other files"
        if kind == "node" and number == OPERATOR and not isinstance(value, int) and value == COMPILED:
            return "a compiled part in another file"
        if kind == "node" and number == OPERATOR and not isinstance(value, int) and value in LOOPS:
            raise ValueError(f"it has a {bytes(value).decode()}, which may never end")
        within = INSIDE.get(kind, {}).get(number)
        if within is not None and not isinstance(value, int) and (found := _outside(value, within, depth + 1)):
            return found
    return None


def require_alone(data: bytes, path: object) -> None:
    """Raise WeightsError if a serialised graph names other files, or is none."""
    try:
        found = _outside(memoryview(data), "model", 0)
    except ValueError as error:
        raise WeightsError(
            f"Cannot read {path} as ONNX ({error}). It is truncated, damaged or no ONNX file: get it again, or make "
            "it with `mesorch export --format onnx`."
        ) from error
    if found is not None:
        raise WeightsError(
            f"{path} asks for {found}, which its checksum does not cover. Expected a graph that holds all of itself: "
            "make it with `mesorch export --format onnx`."
        )
