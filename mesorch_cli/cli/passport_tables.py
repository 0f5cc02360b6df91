"""Tables of a passport: what the weights are, the default of each option, figures, limits, training."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mesorch_cli.inference.domain import Domain
    from mesorch_cli.network.passport import Passport

DOMAIN = "domain"  # among the figures of a set, with a table of its own
LONG = 30  # if an entry of a list has more characters, each entry gets its own row


@dataclass(frozen=True)
class Table:
    """A table for the console."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def tables(passport: "Passport", path: str, sha256: str) -> list[Table]:
    """Return the tables of a passport. Only --json has the numbers inside its rules and of its network."""
    return [
        Table(f"{passport.name} {passport.version}", ["", ""], list(_identity(passport, path, sha256))),
        Table("Defaults", ["option", "value"], list(_defaults(passport))),
        Table("From map to verdict", ["", ""], list(_verdict(passport))),
        *_figures(passport.figures),
        *_domains(passport.figures),
        Table("Limits", ["", ""], [[str(number), text] for number, text in enumerate(passport.limits, start=1)]),
        Table("Training", ["", ""], list(_fields(passport.training))),
    ]


def _identity(passport: "Passport", path: str, sha256: str) -> Iterator[list[str]]:
    yield ["network", passport.network.name]
    yield ["input", f"{passport.input.side} x {passport.input.side} pixels"]
    yield ["smallest photo", f"{passport.input.smallest_photo_side} pixels on the shorter side"]
    yield ["needs", f"mesorch {passport.needs_tool} or newer" if passport.needs_tool else "any version of mesorch"]
    yield ["licence", passport.licence]
    yield ["file", path]
    yield ["SHA-256", sha256]


def _defaults(passport: "Passport") -> Iterator[list[str]]:
    """Yield the default of each option of an analysis."""
    rule = passport.inference
    yield ["--scales", ",".join(scale.name for scale in rule.scales)]
    yield ["", f"weights in the fusion: {', '.join(f'{scale.weight:g}' for scale in rule.scales)}"]
    yield ["--overlap", f"{rule.overlap:g}"]
    yield ["--precision", rule.precision]
    yield ["--threshold", _threshold(passport)]
    yield ["--first-look", _first_look(passport)]
    yield ["--edges", _edges(passport)]
    yield ["--copies", "no" if rule.copies is None else f"yes, reported from a certainty of {rule.copies.least:g}"]
    yield ["--quantisation", "no" if rule.quantisation is None else "yes"]
    yield ["--history", "no" if rule.history is None else "yes"]
    yield ["--grain", "no" if rule.grain is None else "yes"]


def _first_look(passport: "Passport") -> str:
    rule = passport.inference.first_look
    if rule is None:
        return "no: every tile is analysed"
    return (
        f"leaves out tiles with a detail below {rule.detail:g} grey levels, where the map of the whole photo is below "
        f"{rule.share:g} of its highest value"
    )


def _edges(passport: "Passport") -> str:
    rule = passport.inference.edges
    if rule is None:
        return "no: the map stays as the network and the searches give it"
    return (
        f"moved to edges of the photo, shrunk to {rule.long_side} pixels a side or by {rule.largest_factor:g}, within "
        f"{rule.radius} pixels, smoothness {rule.smoothness:g}"
    )


def _threshold(passport: "Passport") -> str:
    by_photo = passport.photo_threshold
    if by_photo is None:
        return f"{passport.threshold:g}"
    return (
        f"set for each photo: {by_photo.share:g} of the mean of its top {by_photo.top:.2%} of pixels, at least "
        f"{by_photo.floor:g}, and at least {passport.threshold:g} if no evidence is found"
    )


def _verdict(passport: "Passport") -> Iterator[list[str]]:
    rule = passport.score
    yield ["score", "maximum of the map" if rule.pooling == "max" else f"mean of the top {rule.share:.2%} of pixels"]
    yield ["inconclusive from", f"{rule.inconclusive_at:g}"]
    yield ["evidence of manipulation from", f"{rule.evidence_at:g}"]
    calibration = rule.calibration
    yield ["calibrated on", "nothing: the score is no probability" if calibration is None else calibration.fitted_on]


def _figures(figures: dict[str, Any]) -> Iterator[Table]:
    """Yield the figures with one column per set, and a separate table for the baselines."""
    found = {
        name: dict(_cells({key: value for key, value in values.items() if key != DOMAIN}))
        for name, values in figures.items()
        if isinstance(values, dict)
    }
    names = list(dict.fromkeys(name for cells in found.values() for name in cells))
    floors = [name for name in names if name.startswith("floors: ")]
    for title, wanted in (
        ("Figures", [name for name in names if name not in floors]),
        ("The same figures of baselines", floors),
    ):
        if wanted:
            rows = [
                [name.removeprefix("floors: "), *(cells.get(name, "") for cells in found.values())] for name in wanted
            ]
            yield Table(title, ["", *found], rows)


def _domains(figures: dict[str, Any]) -> Iterator[Table]:
    """Yield what the photos of the measured sets are like, with one column per set."""
    from mesorch_cli.inference.domain import domain_in

    found = {name: domain for name, values in figures.items() if (domain := domain_in(values)) is not None}
    columns = {name: dict(_described(domain)) for name, domain in found.items()}
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    if names:
        rows = [[name, *(column.get(name, "") for column in columns.values())] for name in names]
        yield Table("Photos of the measured sets: the middle 98 %, and the extremes", ["", *columns], rows)


def _described(domain: "Domain") -> Iterator[tuple[str, str]]:
    """Yield (name, text) for everything that is known of a set's photos."""
    values = domain.model_dump(exclude={"jpeg"})
    if domain.jpeg is not None:
        values |= {f"JPEG {name}": value for name, value in domain.jpeg.model_dump().items()}
    for name, value in values.items():
        if isinstance(value, dict) and "least" in value:
            yield _words(name), f"{value['low']} to {value['high']} ({value['least']} to {value['most']})"
        elif isinstance(value, dict):
            yield _words(name), ", ".join(f"{kind} ({count})" for kind, count in value.items())
        else:
            yield _words(name), str(value)


def _cells(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name, text) for every figure of a set. A figure and its interval share a cell."""
    if isinstance(value, dict) and "value" in value:
        interval = "" if value.get("low") is None else f" [{value['low']}, {value.get('high')}]"
        yield name, f"{_text(value['value'])}{interval}"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _cells(inner, f"{name}: {_words(key)}" if name else _words(key))
    elif isinstance(value, list) and len(value) == 2 and isinstance(value[1], int):
        yield name, f"{_text(value[0])} ({value[1]} photo{'' if value[1] == 1 else 's'})"
    else:
        yield name, _text(value)


def _fields(value: Any, name: str = "") -> Iterator[list[str]]:
    """Yield (name, value) for everything inside a value. Short entries of a list share a line, sentences do not."""
    if (
        isinstance(value, dict)
        and value
        and all(not isinstance(inner, dict | list) for inner in value.values())
        and name
    ):
        yield [name, ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())]
    elif isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _fields(inner, f"{name}: {_words(key)}" if name else _words(key))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for number, inner in enumerate(value, start=1):
            yield from _fields(inner, f"{name} {number}")
    elif isinstance(value, list) and any(len(str(inner)) > LONG for inner in value):
        for number, inner in enumerate(value):
            yield ["" if number else name, str(inner)]
    else:
        yield [name, ", ".join(map(str, value)) if isinstance(value, list) else _text(value)]


def _words(key: str) -> str:
    """Return the name of a figure in words, such as `pixel AUC by kind` for `pixel_auc_by_kind`."""
    return re.sub(r"\b(auc|f1|iou|mcc|sha256)\b", lambda found: found[0].upper(), key.replace("_", " "))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
