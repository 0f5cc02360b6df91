"""A contact sheet of the best and worst photos, each beside its mask and map."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evaluation.evaluator import Seen
from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.report.overlay import colours, png

PANEL = 220  # pixels along a side of each of the three panels
GAP = 6
CAPTION = 22
PAPER = 255
INK = (30, 30, 30)
STRIP_QUALITY = 85

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class SheetEntry:
    """A photo on the sheet: the strip kept when it was evaluated, and its caption."""

    strip: Path
    caption: str


def strip(seen: Seen) -> bytes:
    """Return photo, mask and map side by side as JPEG bytes, each fitted into PANEL x PANEL pixels."""
    mask = seen.mask.astype(np.uint8) * np.uint8(255)
    panels = [
        _fitted(np.ascontiguousarray(eight_bits(seen.pixels)[..., ::-1])),
        _fitted(np.asarray(cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR), np.uint8)),
        colours(_fitted_map(seen.map)),
    ]
    height = max(panel.shape[0] for panel in panels)
    row = np.full((height, 3 * PANEL + 2 * GAP, 3), PAPER, np.uint8)
    for place, panel in enumerate(panels):
        left = place * (PANEL + GAP)
        row[: panel.shape[0], left : left + panel.shape[1]] = panel
    ok, data = cv2.imencode(".jpg", row, [cv2.IMWRITE_JPEG_QUALITY, STRIP_QUALITY])
    if not ok:
        raise ValueError(f"a strip of {row.shape} cannot be encoded")
    return data.tobytes()


def sheet(best: Sequence[SheetEntry], worst: Sequence[SheetEntry]) -> bytes:
    """Return one PNG: the best cases in the left column, the worst in the right one."""
    columns = [_column("best", best), _column("worst", worst)]
    height = max(column.shape[0] for column in columns)
    padded = [
        np.pad(column, ((0, height - column.shape[0]), (0, 4 * GAP), (0, 0)), constant_values=PAPER)
        for column in columns
    ]
    return png(np.concatenate(padded, axis=1))


def _column(title: str, cases: Sequence[SheetEntry]) -> Picture:
    width = 3 * PANEL + 2 * GAP
    parts = [_line(f"{title}: photo, mask, map", width)]
    for case in cases:
        picture = cv2.imdecode(np.fromfile(case.strip, np.uint8), cv2.IMREAD_COLOR)
        if picture is not None:
            parts += [np.asarray(picture, np.uint8), _line(case.caption, width)]
    return np.concatenate(parts, axis=0)


def _line(text: str, width: int) -> Picture:
    line = np.full((CAPTION, width, 3), PAPER, np.uint8)
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(line, plain, (2, CAPTION - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return line


def _size(height: int, width: int) -> tuple[int, int]:
    factor = PANEL / max(height, width)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _fitted(picture: Picture) -> Picture:
    return np.asarray(cv2.resize(picture, _size(*picture.shape[:2]), interpolation=cv2.INTER_AREA), np.uint8)


def _fitted_map(map_: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(map_, _size(*map_.shape), interpolation=cv2.INTER_AREA), np.float32)
