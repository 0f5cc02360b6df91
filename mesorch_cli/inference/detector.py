"""The engine: for every command, the way from a photo's pixels to a result."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import Photo
from mesorch_cli.inference import blas
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.backends.protocol import Backend
from mesorch_cli.inference.detection import Detection, not_analysed
from mesorch_cli.inference.edges import move_edges
from mesorch_cli.inference.fusion import Canvas
from mesorch_cli.inference.parts import Parts
from mesorch_cli.inference.passes import AS_USUAL, Pixels, Variation, is_featureless, passes_of
from mesorch_cli.inference.photo_map import PhotoMap
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
from mesorch_cli.inference.tally import OnProgress, Tally
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.registry import WITNESSES, counted
from mesorch_cli.inference.witnesses.witness import Material
from mesorch_cli.network.passport import WeightsFile

DAMAGE_ACCEPTED = "damaged input accepted"
WITNESSES_AT_ONCE = 2  # with a small photo, the tiles are done before one after the other would be


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
        tally = Tally(sum(len(one.plan) for one in passes), on_progress, parts)
        material = Material(pixels, steps)
        with blas.one_thread(), ThreadPoolExecutor(WITNESSES_AT_ONCE, "mesorch-witness") as beside:
            looking = [
                (witness, rule, beside.submit(witness.look, material, rule))
                for witness in WITNESSES
                if (rule := getattr(settings, witness.name)) is not None and witness.can_look(material)
            ]
            if pixels.dtype == np.uint16 and self.backend.bits < 16:
                tally.flags.add("16 bits analysed as 8")
            map_, covered = PhotoMap(self.backend, settings, height, width, tally).made(passes)
            if not covered.any():
                return not_analysed("non-finite logits", tuple(sorted(tally.flags)), tally.done)
            findings: list[Finding] = []
            for witness, rule, seen in looking:
                findings += witness.conclude(seen.result(), map_, rule)
        scales = tuple(one.scale.name for one in passes)
        return self._conclude(pixels, map_, covered, tally, scales, tuple(findings))

    def _conclude(
        self,
        pixels: Pixels,
        map_: Canvas,
        covered: NDArray[np.bool_],
        tally: Tally,
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
