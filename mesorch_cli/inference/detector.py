"""The engine: for every command, the way from a photo's pixels to a result."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import WeightsError
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import Photo, eight_bits
from mesorch_cli.inference import blas
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.backends.protocol import Backend, Tiles
from mesorch_cli.inference.detection import Detection, not_analysed
from mesorch_cli.inference.edges import move_edges
from mesorch_cli.inference.first_look import looks, thinned
from mesorch_cli.inference.fusion import Canvas, Fusion, sigmoid_in_place, stretched
from mesorch_cli.inference.lanes import in_order
from mesorch_cli.inference.parts import Parts
from mesorch_cli.inference.passes import AS_USUAL, Pass, Pixels, Variation, is_featureless, passes_of
from mesorch_cli.inference.regions import MOST_LISTED, find_regions
from mesorch_cli.inference.runtime import Runtime
from mesorch_cli.inference.scoring import (
    Verdict,
    calibrate,
    disagreement,
    image_score,
    judge,
    likelihood_ratio,
    photo_threshold,
)
from mesorch_cli.inference.screen import looks_like_screen
from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from mesorch_cli.inference.settings import AS_THE_WEIGHTS_SAY, Overrides, Settings
from mesorch_cli.inference.tiling import Plan, Tile
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.registry import WITNESSES, counted
from mesorch_cli.inference.witnesses.witness import Material
from mesorch_cli.network.passport import WeightsFile

OnProgress = Callable[[int, int], None]  # tiles done, tiles in all
# In the order of the plan, (channels, height, width), the logits first; None: the tile is featureless or left out.
TileLogits = Iterator[tuple[Tile, Canvas | None]]
DAMAGE_ACCEPTED = "damaged input accepted"
SHORT_OF_MEMORY = "fewer tiles at once: out of memory"
WITNESSES_AT_ONCE = 2  # with a small photo, the tiles are done before one after the other would be


@dataclass(frozen=True)
class _Batch:
    """Tiles of one scale that go through the network together."""

    of: Pass
    tiles: tuple[Tile, ...]


@dataclass
class _Tally:
    """Progress of an analysis: tiles done of `total`, flags for the result, and what takes parts where they are wanted."""

    total: int
    on_progress: OnProgress | None
    parts: Parts | None = None
    done: int = 0
    left_out: int = 0
    flags: set[str] = field(default_factory=set)

    def count(self) -> None:
        """Count a finished tile and report progress."""
        self.done += 1
        if self.on_progress is not None:
            self.on_progress(self.done, self.total)


class Detector:
    """A network with its settings, ready for photos of any size.

    backend: the network, or one that is still starting. weights: its file, None for one that was never a file.
    """

    def __init__(
        self, backend: Backend | Future[Backend], settings: Settings, weights: WeightsFile | None = None
    ) -> None:
        self._backend = backend
        self.settings = settings
        self.weights = weights

    @property
    def backend(self) -> Backend:
        """Return the network, once it has started. Raises what its start raised, see `starting`."""
        return self._backend.result() if isinstance(self._backend, Future) else self._backend

    @classmethod
    def load(
        cls,
        weights: str | Path | None = None,
        device: str = "auto",
        overrides: Overrides = AS_THE_WEIGHTS_SAY,
        *,
        calibration: Path | None = None,
        public_key: Path | None = None,
        runtime: Runtime = "auto",
    ) -> Self:
        """Return a detector for weights on a device. For other arguments and errors see `Analysis.load`."""
        analysis = Analysis.load(weights, overrides, calibration=calibration, public_key=public_key, runtime=runtime)
        return cls.of(analysis, device)

    @classmethod
    def of(cls, analysis: Analysis, device: str = "auto") -> Self:
        """Start an analysis on a device. Raises UsageError for a missing device."""
        return cls(analysis.start(device), analysis.settings, analysis.weights)

    @classmethod
    def starting(cls, analysis: Analysis, device: str = "auto") -> Self:
        """As `of`, but return at once: the network starts in a thread, while its caller reads a photo and witnesses look.

        What `of` raises is raised when the network is first needed.
        """
        starter = ThreadPoolExecutor(1, "mesorch-start")
        backend = starter.submit(analysis.start, device)
        starter.shutdown(wait=False)  # it still ends what it was given
        return cls(backend, analysis.settings, analysis.weights)

    def without_edges(self) -> Self:
        """Return the same detector, except that the map stays as it is when the score is taken."""
        return type(self)(self._backend, replace(self.settings, edges=None), self.weights)

    def detect_file(
        self, photo: str | Path | bytes, on_progress: OnProgress | None = None, *, accept_damaged: bool = False
    ) -> Detection:
        """Analyse a file, or its bytes, decoded in a separate process.

        Raises InputError for anything but a readable photo.
        """
        reader = process_reader()
        read = reader.read("bytes", data=photo) if isinstance(photo, bytes) else reader.read(photo)
        return self.detect_photo(read, on_progress, accept_damaged=accept_damaged)

    def detect_photo(
        self,
        photo: Photo,
        on_progress: OnProgress | None = None,
        *,
        accept_damaged: bool = False,
        parts: Parts | None = None,
    ) -> Detection:
        """Analyse a photo as stored. A damaged one is analysed only if that is accepted, and flagged."""
        if not photo.decode.integrity.ok and not accept_damaged:
            return not_analysed("damaged")
        detection = self.detect(photo.pixels, on_progress, steps=photo.steps, parts=parts)
        if photo.decode.integrity.ok:
            return detection
        return replace(detection, flags=tuple(sorted({*detection.flags, DAMAGE_ACCEPTED})))

    def detect(
        self,
        pixels: Pixels,
        on_progress: OnProgress | None = None,
        *,
        steps: NDArray[np.int64] | None = None,
        variation: Variation = AS_USUAL,
        parts: Parts | None = None,
    ) -> Detection:
        """Analyse a photo, (H, W, 3) RGB uint8 or uint16 in its stored raster.

        steps: the (8, 8) steps of brightness of the JPEG that the pixels were decoded from (see `Photo.steps`), None
        for other photos, at which a witness that needs them does not look. variation: how else the scales are laid
        over the photo. parts: gets what the logits were made of; the result is the same.
        """
        settings = self.settings
        height, width = pixels.shape[:2]
        if min(height, width) < settings.smallest_photo_side:
            return not_analysed("too small")
        if is_featureless(pixels):
            return not_analysed("featureless")

        passes = passes_of(pixels, settings, variation)
        tally = _Tally(sum(len(one.plan) for one in passes), on_progress, parts)
        material = Material(pixels, steps)
        with blas.one_thread(), ThreadPoolExecutor(WITNESSES_AT_ONCE, "mesorch-witness") as beside:
            looking = [
                (witness, rule, beside.submit(witness.look, material, rule))
                for witness in WITNESSES
                if (rule := getattr(settings, witness.name)) is not None and witness.can_look(material)
            ]
            if pixels.dtype == np.uint16 and self.backend.bits < 16:
                tally.flags.add("16 bits analysed as 8")
            map_, covered = self._map(passes, height, width, tally)
            if not covered.any():
                return not_analysed("non-finite logits", tuple(sorted(tally.flags)), tally.done)
            findings: list[Finding] = []
            for witness, rule, seen in looking:
                findings += witness.conclude(seen.result(), map_, rule)
        scales = tuple(one.scale.name for one in passes)
        return self._conclude(pixels, map_, covered, tally, scales, tuple(findings))

    def _map(self, passes: Sequence[Pass], height: int, width: int, tally: _Tally) -> tuple[Canvas, NDArray[np.bool_]]:
        """Return the map of a photo, (height, width), and which of its pixels were covered."""
        if tally.parts is not None:
            tally.parts.begin(height, width, passes)
        fusion = Fusion(height, width, [one.scale.weight for one in passes])
        rule = self.settings.first_look
        first = looks(passes, rule)
        self._fuse(fusion, 0, passes[:first], height, width, tally)
        others = passes[first:]
        if first and rule is not None:
            others = [thinned(one, fusion, height, width, rule) for one in others]
        self._fuse(fusion, first, others, height, width, tally)
        map_, covered = fusion.finish()
        if self.settings.reference:
            np.nan_to_num(map_, copy=False, nan=0.0)
        else:
            sigmoid_in_place(map_)
        return map_, covered

    def _fuse(self, fusion: Fusion, first: int, passes: Sequence[Pass], height: int, width: int, tally: _Tally) -> None:
        """Analyse some passes, the photo's `first`-th and those that follow, and add them to the map."""
        logits = self._tile_logits(passes, tally)
        for index, one in enumerate(passes, first):
            own = islice(logits, len(one.plan))
            for first_row, rows in self._photo_rows(index, one, own, height, width, tally):
                fusion.add(index, first_row, rows)
            tally.left_out += len(one.left_out)

    def _conclude(
        self,
        pixels: Pixels,
        map_: Canvas,
        covered: NDArray[np.bool_],
        tally: _Tally,
        scales: tuple[str, ...],
        findings: tuple[Finding, ...],
    ) -> Detection:
        settings = self.settings
        coverage = float(np.count_nonzero(covered)) / covered.size
        score = image_score(map_, settings.score, counted(findings))
        verdict = judge(score, settings.score)
        if settings.edges is not None:  # a shift of edges says where, and adds no evidence: the score is taken before
            move_edges(map_, covered, pixels, settings.edges)
        threshold = photo_threshold(map_, settings.photo_threshold, settings.threshold)
        if verdict is Verdict.NO_EVIDENCE:
            # A low threshold shows where to look. It must not fill the list of a photo without evidence.
            threshold = max(threshold, settings.threshold)
        regions, region_count = find_regions(map_, threshold)
        flags = set(tally.flags)
        if coverage < 1.0:
            flags.add("parts not analysed")
        if region_count > MOST_LISTED:
            flags.add(f"{region_count} regions, {MOST_LISTED} listed")
        if disagreement(verdict, regions):
            flags.add("score and map disagree")
        # The reference analysis says what was published, of whatever it is given.
        screen = not settings.reference and looks_like_screen(pixels)
        if screen:
            flags.add(LIKE_A_SCREEN)
        return Detection(
            Verdict.INCONCLUSIVE if screen else verdict,
            map=map_,
            score=score,
            # A calibration was made on photos, and holds for them alone.
            probability=None if screen else calibrate(score, settings.score),
            ratio=None if screen else likelihood_ratio(score, settings.score),
            regions=regions,
            findings=findings,
            threshold=threshold,
            flags=tuple(sorted(flags)),
            covered=covered,
            coverage=coverage,
            tiles=tally.done - tally.left_out,
            tiles_left_out=tally.left_out,
            scales=("reference",) if settings.reference else scales,
        )

    def _photo_rows(
        self, index: int, one: Pass, logits: TileLogits, height: int, width: int, tally: _Tally
    ) -> Iterator[tuple[int, Canvas]]:
        """Yield bands of one scale's map at the photo's size: logits, or probabilities of the reference analysis."""
        bands = self._blended_rows(one, logits, tally)
        if one.flipped:
            bands = ((first_row, band[:, :, ::-1]) for first_row, band in bands)
        rows: Iterator[tuple[int, Canvas]] = ((first_row, band[0]) for first_row, band in bands)
        if tally.parts is not None:
            rows = tally.parts.taken(index, one, bands)
        if (one.plan.height, one.plan.width) == (height, width) and not self.settings.reference:
            yield from rows
            return
        canvas = np.empty((one.plan.height, one.plan.width), np.float32)
        for first_row, band in rows:
            canvas[first_row : first_row + band.shape[0]] = band
        if self.settings.reference:
            sigmoid_in_place(canvas)
        yield from stretched(canvas, height, width)

    def _blended_rows(self, one: Pass, tile_logits: TileLogits, tally: _Tally) -> Iterator[tuple[int, Canvas]]:
        """Yield bands (channels, rows, width) of blended logits at the scale's size, each once no later tile touches it."""
        plan = one.plan
        channels = 1 if tally.parts is None else tally.parts.channels
        # The rows from `top` on that tiles still touch.
        summed = np.zeros((channels, plan.tile_height, plan.width), np.float32)
        weight = np.zeros((1, plan.tile_height, plan.width), np.float32)
        top = row = 0
        for index, (tile, logits) in enumerate(tile_logits):
            if logits is not None:
                local = slice(tile.y - top, tile.y - top + tile.height)
                summed[:, local, tile.columns] += logits * plan.weights
                weight[:, local, tile.columns] += plan.weights
            tally.count()
            if (index + 1) % len(plan.xs) == 0:
                count = plan.finished_rows(row) - top
                with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: nothing covered the pixel
                    yield top, summed[:, :count] / weight[:, :count]
                for buffer in (summed, weight):
                    buffer[:, : buffer.shape[1] - count] = buffer[:, count:].copy()
                    buffer[:, buffer.shape[1] - count :] = 0
                top += count
                row += 1

    def _tile_logits(self, passes: Sequence[Pass], tally: _Tally) -> TileLogits:
        """Yield every tile of every pass, in order, with its logits."""
        size = self.settings.tile_batch or self.backend.tile_batch
        batches = []
        for one in passes:
            tiles = tuple(one.plan)
            batches += [_Batch(one, tiles[first : first + size]) for first in range(0, len(tiles), size)]
        lanes = min(self.backend.lanes, len(batches))
        done = in_order(
            lambda batch: self._batch_logits(batch, lanes, tally),
            batches,
            lanes,
            on_short=lambda: tally.flags.add(SHORT_OF_MEMORY),
        )
        for results in done:
            yield from results

    def _batch_logits(self, batch: _Batch, at_once: int, tally: _Tally) -> list[tuple[Tile, Canvas | None]]:
        """Return the tiles of a batch with their logits. at_once: calls like this one that run at the same time."""
        one = batch.of
        crops = [one.pixels[tile.rows, tile.columns] for tile in batch.tiles]
        wanted = [index for index, tile in enumerate(batch.tiles) if tile not in one.left_out]
        useful = [index for index in wanted if not is_featureless(crops[index])]
        results: list[Canvas | None] = [None] * len(crops)
        if len(useful) < len(wanted):
            tally.flags.add("featureless tiles")
        if useful:
            taken = np.stack([self._taken(crops[index], one.plan) for index in useful])
            for index, logits in zip(useful, self._logits(taken, at_once, tally), strict=True):
                cropped = logits[:, : one.plan.tile_height, : one.plan.tile_width]
                if np.isfinite(cropped[0]).all():
                    results[index] = cropped
                else:
                    tally.flags.add("non-finite logits")
        return list(zip(batch.tiles, results, strict=True))

    def _logits(self, batch: Tiles, at_once: int, tally: _Tally) -> NDArray[np.float32]:
        """Return the logits of a batch, in halves if memory is short, which is flagged."""
        try:
            run = self.backend if tally.parts is None else tally.parts.run
            logits = run(batch, at_once)
        except MemoryError:
            if len(batch) == 1:
                raise
        else:
            expected = (len(batch), 1 if tally.parts is None else tally.parts.channels, *batch.shape[1:3])
            if logits.shape != expected:  # a foreign graph may return anything
                raise WeightsError(
                    f"The weights gave logits of shape {logits.shape} for tiles of shape {batch.shape}. Expected "
                    f"{expected}. Get the file again, or make it with `mesorch export`."
                )
            return logits
        tally.flags.add(SHORT_OF_MEMORY)
        middle = len(batch) // 2
        return np.concatenate([self._logits(half, at_once, tally) for half in (batch[:middle], batch[middle:])])

    def _taken(self, crop: Pixels, plan: Plan) -> Pixels:
        """Return a crop in the form that the backend takes."""
        padded = self._padded(crop, plan)
        return padded if self.backend.bits == 16 else eight_bits(padded)

    @staticmethod
    def _padded(crop: Pixels, plan: Plan) -> Pixels:
        """Pad a crop by reflection to the plan's size, before normalisation, so that the network never sees zeros."""
        below, right = plan.padded_height - crop.shape[0], plan.padded_width - crop.shape[1]
        if below == right == 0:
            return crop
        return cv2.copyMakeBorder(np.ascontiguousarray(crop), 0, below, 0, right, cv2.BORDER_REFLECT_101)  # type: ignore[return-value]


def detect(
    photo: str | Path | bytes,
    *,
    weights: str | Path | None = None,
    device: str = "auto",
    overrides: Overrides = AS_THE_WEIGHTS_SAY,
    accept_damaged: bool = False,
) -> Detection:
    """Analyse one file, or the bytes of one. For several, load a `Detector` once and call its `detect_file`.

    Raises InputError for what is no photo that can be read, and what `Analysis.load` raises.
    """
    return Detector.load(weights, device, overrides).detect_file(photo, accept_damaged=accept_damaged)
