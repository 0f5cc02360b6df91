"""One input, from its bytes to its record: read, analyse, hash again, write. Every analysing command works this way."""

import functools
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.photo import Photo, ReadOptions
from mesorch_cli.examination.outputs import OutputFolder
from mesorch_cli.examination.parts import declared_part, decode_part, failed_detection, metadata_part, result_part
from mesorch_cli.examination.record import (
    AnalysisPart,
    ArtefactPart,
    InputPart,
    Record,
    TimingPart,
    WeightsPart,
    tool_versions,
)
from mesorch_cli.examination.stages import Analysed, Composed, Examination, Loaded
from mesorch_cli.files.hashing import sha256_bytes, sha256_file, sha256_stream
from mesorch_cli.files.names import json_path
from mesorch_cli.files.reading import opened, opened_below
from mesorch_cli.inference.detection import Detection
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.domain import compared
from mesorch_cli.inference.rates import measured_rates
from mesorch_cli.inference.recorded_settings import digest, run_values
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from mesorch_cli.network.passport import WeightsFile
from mesorch_cli.report import overlay, panel, preview
from mesorch_cli.report.joins import joins_of

if TYPE_CHECKING:
    from mesorch_cli.explanation.explain import Explainer

PROVENANCE_NOTE = "not examined"
FAULT = "fault"  # how the reason for a failure of the program itself begins
NOT_READ = frozenset({"missing", "not a file", "unreadable"})  # reasons of errors before any byte was read


def _explainer_for(detector: Detector, weights: WeightsFile) -> "Explainer":
    """Return what explains photos. Most runs explain nothing, so they do not import it."""
    from mesorch_cli.explanation.explain import Explainer
    from mesorch_cli.report.explanation_pictures import ExplanationPictures

    return Explainer(detector, weights, ExplanationPictures())


class Examiner:
    """A detector with its weights and the rules of a run."""

    def __init__(
        self,
        detector: Detector,
        weights: WeightsFile,
        *,
        argv: list[str],
        accept_damaged: bool = False,
        previews: bool = False,
        explain: bool = False,
        reader: IsolatedReader | None = None,
        options: ReadOptions | None = None,
    ) -> None:
        """reader: the processes that decode photos, new ones by default. options: how to read, as `detect` by default.

        explain: say of every photo why its map is as it is. Raises UsageError for weights that cannot be explained.
        """
        self.detector = detector
        self.accept_damaged = accept_damaged
        self.previews = previews
        self.options = options or ReadOptions(provenance=True)
        self._reader = reader or IsolatedReader()
        self._argv = [json_path(argument) for argument in argv]
        passport = weights.passport
        self.weights = WeightsPart(
            name=passport.name, version=passport.version, sha256=weights.sha256, licence=passport.licence
        )
        self._passport = passport
        self.settings = run_values(detector.settings, weights.sha256, accept_damaged, explain)
        self._explainer = _explainer_for(detector, weights) if explain else None
        self.settings_sha256 = digest(self.settings)

    @functools.cached_property
    def tool(self) -> dict[str, str]:
        """The versions for the record. Waits for a network that is still starting, and raises what its start raised."""
        return tool_versions(self.detector.backend.runtime)

    def examine(
        self,
        source: str,
        *,
        data: bytes | None = None,
        output: OutputFolder | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        page: int | None = None,
    ) -> Examination:
        """Examine one input; a bad one gives a record too. `data`: the bytes, where they came from standard input.
        `page`: which page or frame, from 1 on; None is the first full one.

        Raises OutputError if results cannot be written, and WeightsError or UsageError if the network or that of a witness
        cannot be used; nothing for a bad input.
        """
        analysed = self.analyse(self.read(source, data=data, page=page), on_progress)
        sha256_after = self._hash_again(analysed.loaded)
        place = None
        if output is not None:
            photo = analysed.loaded.photo
            place = output.folder_for(source, photo.sha256 if photo else None, page)
        composed = self.compose(analysed, place).hashed_again(sha256_after)
        if output is not None and place is not None:
            composed.write(output.root, place)
        folder = None if output is None or place is None else output.root / place
        return Examination(composed.record, folder, composed.problem)

    def read(
        self,
        source: str,
        *,
        shown: str | None = None,
        data: bytes | None = None,
        page: int | None = None,
        root: Path | None = None,
    ) -> Loaded:
        """Read one input, the first of three steps. shown: the name for the record, where it is not the path opened.

        root: the folder of evidence that `shown` lies below; no link is followed there, also not one that took a
        folder's place after the evidence was listed.
        """
        started_at, started = datetime.now(UTC), time.monotonic()
        photo: Photo | None = None
        failure: InputError | None = None
        size: int | None
        sha256: str | None
        options = self.options if page is None else replace(self.options, page=page)
        try:
            photo = self._reader.read(
                source, data=data, options=options, root=root, path=None if root is None else shown
            )
            size, sha256 = photo.size_bytes, photo.sha256
        except InputError as error:
            failure = error
            size, sha256 = self._identity(source, shown, root, data, error)
        read_s = time.monotonic() - started
        return Loaded(source, shown or source, data, photo, failure, size, sha256, started_at, read_s)

    @staticmethod
    def _identity(
        source: str, shown: str | None, root: Path | None, data: bytes | None, error: InputError
    ) -> tuple[int | None, str | None]:
        """Return size and hash of an input that is not a readable photo, if it can be read as a file."""
        if data is not None:
            return len(data), sha256_bytes(data)
        if error.reason in NOT_READ:
            return None, None
        try:
            with opened(source) if root is None else opened_below(root, shown or source) as stream:
                return os.fstat(stream.fileno()).st_size, sha256_stream(stream)
        except (OSError, ValueError):
            return None, None

    def analyse(self, loaded: Loaded, on_progress: Callable[[int, int], None] | None = None) -> Analysed:
        """Run the engine, the second step. Unreadable and damaged inputs pass through."""
        started = time.monotonic()
        photo = loaded.photo
        problem: str | None
        explained: dict[str, bytes] = {}
        if photo is None:
            assert loaded.failure is not None
            detection, problem = failed_detection(loaded.failure), str(loaded.failure)
        else:
            if self._explainer is None:
                detection = self.detector.detect_photo(photo, on_progress, accept_damaged=self.accept_damaged)
            else:
                found = self._explainer.explain(photo, on_progress, accept_damaged=self.accept_damaged)
                detection, explained = found.detection, found.pictures
            problem = self._why_not(loaded.shown, photo, detection)
        return Analysed(loaded, detection, problem, time.monotonic() - started, explained)

    def fault(
        self, source: str, shown: str, loaded: Loaded | None, error: Exception, root: Path | None = None
    ) -> Analysed:
        """Return a result for an input at which the program itself failed: one file must not end a long run."""
        name = type(error).__name__
        failure = InputError(
            f"{shown!r} could not be analysed: {name}: {' '.join(str(error).split())[:200]}. This is a fault of "
            "mesorch or of this machine, not of the file; the same command tries again.",
            reason=f"{FAULT}: {name}",
        )
        if loaded is None:
            size, sha256 = self._identity(source, shown, root, None, failure)
            loaded = Loaded(source, shown, None, None, failure, size, sha256, datetime.now(UTC), 0.0)
        return Analysed(replace(loaded, photo=None, failure=failure), failed_detection(failure), str(failure), 0.0)

    def compose(self, analysed: Analysed, place: str | None = None) -> Composed:
        """Make record and pictures, the last step. place: the folder in the paths of artefacts; None: no pictures."""
        loaded, detection = analysed.loaded, analysed.detection
        photo = loaded.photo
        pictures = {} if place is None else self._pictures(photo, detection) | analysed.explained
        # The verdicts that were counted are on photos.
        rates = (
            ()
            if LIKE_A_SCREEN in detection.flags
            else measured_rates(self._passport, self.detector.settings, detection.verdict)
        )
        record = Record(
            input=InputPart(
                path=json_path(loaded.shown),
                size=loaded.size,
                sha256=loaded.sha256,
                sha256_after=loaded.sha256,
            ),
            decode=decode_part(photo) if photo else None,
            metadata=metadata_part(photo) if photo else {},
            provenance=photo.provenance if photo else {"status": PROVENANCE_NOTE, "reason": "the file was not read"},
            analysis=self._analysis(detection) if detection.tiles else None,
            result=result_part(
                detection,
                self.detector.settings,
                photo,
                rates,
                compared(self._passport, rates, photo) if photo else (),
            ),
            declared=declared_part(photo) if photo else None,
            artefacts=[
                ArtefactPart(role=name.partition(".")[0], path=json_path(f"{place}/{name}"), sha256=sha256_bytes(data))
                for name, data in pictures.items()
            ],
            weights=self.weights,
            tool=self.tool,
            settings=self.settings,
            settings_sha256=self.settings_sha256,
            argv=self._argv,
            timing=TimingPart(
                started_at=loaded.started_at.isoformat(timespec="milliseconds"),
                read_s=round(loaded.read_s, 3),
                analyse_s=round(analysed.analyse_s, 3),
            ),
        )
        return Composed(record, pictures, analysed.problem)

    def _why_not(self, source: str, photo: Photo, detection: Detection) -> str | None:
        """Return a sentence on why a photo was not analysed, None if it was."""
        if detection.verdict is not Verdict.NOT_ANALYSED:
            return None
        decode, smallest = photo.decode, self.detector.settings.smallest_photo_side
        sentences = {
            "damaged": f"is damaged: {'; '.join(decode.integrity.findings[:2])}. Get an undamaged copy, or "
            "analyse it anyway with --accept-damaged",
            "too small": f"has {decode.width} x {decode.height} pixels; these weights were measured on photos of at least "
            f"{smallest} pixels a side. Analyse the original, not a thumbnail",
            "featureless": "shows a single colour, so there is nothing to analyse. Expected a photo",
        }
        default = "gave no finite result. Try --precision fp32, and report the file's hash"
        return f"{source!r} {sentences.get(detection.reason or '', default)}."

    @staticmethod
    def _hash_again(loaded: Loaded) -> str | None:
        if loaded.sha256 is None:
            return None
        try:
            return sha256_file(loaded.source) if loaded.data is None else sha256_bytes(loaded.data)
        except OSError:
            return None  # removed meanwhile: differs from the first hash, and is flagged

    def _analysis(self, detection: Detection) -> AnalysisPart:
        settings, backend = self.detector.settings, self.detector.backend
        weights = {scale.name: scale.weight for scale in settings.scales}
        return AnalysisPart(
            scales=list(detection.scales),
            tiles=detection.tiles,
            overlap=settings.overlap,
            fusion={name: weights.get(name, 1.0) for name in detection.scales},
            precision=settings.precision,
            device=backend.device,
            backend=backend.name,
            coverage=detection.coverage,
            tiles_left_out=None if settings.first_look is None else detection.tiles_left_out,
        )

    def _pictures(self, photo: Photo | None, detection: Detection) -> dict[str, bytes]:
        if photo is None or detection.map is None:
            return {}
        pixels, map_ = photo.pixels, detection.map
        threshold = self.detector.settings.threshold if detection.threshold is None else detection.threshold
        joins = joins_of(detection.findings)
        with ThreadPoolExecutor(4) as pool:  # of a large photo each takes up to a second of one processor
            made = {
                "overlay.png": pool.submit(overlay.overlay, pixels, map_, threshold, joins),
                "heatmap.png": pool.submit(overlay.heatmap, map_),
                "mask.png": pool.submit(overlay.mask, map_, threshold),
                "panel.png": pool.submit(
                    panel.panel, pixels, map_, threshold, detection.regions, photo.decode.orientation, joins
                ),
            }
            previews = preview.previews(pixels, map_, threshold) if self.previews else {}
            return {name: picture.result() for name, picture in made.items()} | previews
