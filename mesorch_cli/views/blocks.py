"""Where the blocks of a JPEG begin, and how its coefficients are distributed."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.witnesses.blocks import BLOCK, exact_brightness
from mesorch_cli.inference.witnesses.quantisation.coefficients import coefficients
from mesorch_cli.report.overlay import colours
from mesorch_cli.views.settings import ViewSettings
from mesorch_cli.views.view import Picture, Source, too_small

CELL = 56  # pixels a side of one offset in the picture
SHOWN = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (0, 3), (3, 0))  # frequencies, row and column
REACH = 40  # levels either side of zero
BAR, HEIGHT, LABEL = 6, 200, 28


def steps_of_grid(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return for each offset 0..7 by how much the steps between columns exceed their neighbours, in grey levels."""
    steps = np.abs(np.diff(plane, axis=1)).mean(axis=0, dtype=np.float64)
    excess = steps[1:-1] - (steps[:-2] + steps[2:]) / 2
    offsets = (np.arange(len(excess)) + 2) % BLOCK
    return np.array([excess[offsets == offset].mean() for offset in range(BLOCK)])


class Grid:
    """The strength of every offset of the grid."""

    name = "grid"
    title = "Blocking grid"
    shows = (
        "Each of the 64 cells is an offset (column, row) at which 8 x 8 blocks may begin, and the framed one has the "
        "strongest steps between neighbouring pixels; a JPEG that was not cropped has its grid at (0, 0)."
    )
    cannot = (
        "It is one figure for the whole photo and does not show parts with a grid of their own, and without "
        "compression the framed cell is a matter of chance."
    )

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        return too_small(source, 3 * BLOCK)

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        plane = exact_brightness(source.pixels)
        strength = steps_of_grid(plane.T)[:, None] + steps_of_grid(plane)[None]
        row, column = np.unravel_index(int(strength.argmax()), strength.shape)
        span = max(float(np.ptp(strength)), 1e-6)
        small = colours(((strength - strength.min()) / span).astype(np.float32))
        picture = cv2.resize(small, (BLOCK * CELL, BLOCK * CELL), interpolation=cv2.INTER_NEAREST)
        corner = (int(column) * CELL, int(row) * CELL)
        cv2.rectangle(picture, corner, (corner[0] + CELL - 1, corner[1] + CELL - 1), (0, 160, 0), 3)
        for y in range(BLOCK):
            for x in range(BLOCK):
                ink = (32, 32, 32) if small[y, x].mean() > 120 else (255, 255, 255)
                place = (x * CELL + 10, y * CELL + 34)
                cv2.putText(picture, f"{x},{y}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, 1, cv2.LINE_AA)
        return np.asarray(picture, np.uint8)


class Histograms:
    """How often each level of the low frequencies occurs."""

    name = "histograms"
    title = "Histograms of the DCT coefficients"
    shows = (
        "How often each quantised level of nine low frequencies of brightness occurs, as the file's own table divides "
        "them; gaps and peaks that come back at even distances are the trace of an earlier JPEG with other steps."
    )
    cannot = (
        "A second save says nothing about editing, since many programs and services save again. One with the same "
        "steps leaves no such trace, and the levels are calculated from the decoded pixels, so clipped places blur "
        "them."
    )

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        if source.photo.decode.format != "JPEG":
            return f"The file is {source.photo.decode.format} and not a JPEG, so it has no quantised coefficients."
        if source.photo.steps is None:
            return (
                "The file does not say with which steps brightness was quantised: several tables have one number or one is "
                "missing, a step is 0, or the file stores no brightness of 8 bits."
            )
        return too_small(source, BLOCK)

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        steps = source.photo.steps
        assert steps is not None
        found = coefficients(exact_brightness(source.pixels))
        width = (2 * REACH + 1) * BAR
        sheet = np.full((3 * (HEIGHT + LABEL + 10), 3 * (width + 24), 3), 255, np.uint8)
        for number, (row, column) in enumerate(SHOWN):
            levels = np.rint(found[..., row, column] / steps[row, column]).astype(int).ravel()
            counts = np.bincount(levels[np.abs(levels) <= REACH] + REACH, minlength=2 * REACH + 1)
            top, left = number // 3 * (HEIGHT + LABEL + 10), number % 3 * (width + 24)
            text = f"row {row}, column {column}: step {steps[row, column]}"
            cv2.putText(sheet, text, (left, top + 19), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (32, 32, 32), 1, cv2.LINE_AA)
            base, most = top + LABEL + HEIGHT, max(float(np.sqrt(counts.max())), 1.0)
            for index, count in enumerate(counts):
                high = round(HEIGHT * float(np.sqrt(count)) / most)
                sheet[base - high : base, left + index * BAR : left + index * BAR + BAR - 1] = (150, 90, 40)
            sheet[base : base + 1, left : left + width] = 32
        return sheet
