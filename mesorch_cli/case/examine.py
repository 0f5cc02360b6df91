"""One input from its bytes to its record: read, analyse, hash again, write. Every command that analyses goes this way."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mesorch_cli.case.outputs import RECORD_NAME, OutputFolder, write_whole
from mesorch_cli.case.record import (
    AnalysisPart,
    ArtefactPart,
    InputPart,
    Record,
    TimingPart,
    WeightsPart,
    decode_part,
    failed_detection,
    json_path,
    result_part,
    settings_digest,
    tool_versions,
)
from mesorch_cli.errors import InputError
from mesorch_cli.evidence import Photo, read_photo
from mesorch_cli.evidence.hashing import sha256_bytes, sha256_file
from mesorch_cli.inference.detection import Detection, not_analysed
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.network.passport import WeightsFile
from mesorch_cli.report import overlay

PROVENANCE_NOTE = "not examined"


@dataclass(frozen=True)
class Examination:
    """The record of one input, where its files are, and the sentence that says why it was not analysed."""

    record: Record
    folder: Path | None
    problem: str | None

    @property
    def analysed(self) -> bool:
        return self.record.result.verdict is not Verdict.NOT_ANALYSED


class Examiner:
    """A detector with its weights and the rules of a run."""

    def __init__(
        self,
        detector: Detector,
        weights: WeightsFile,
        *,
        argv: list[str],
        accept_damaged: bool = False,
        max_pixels: int = 500_000_000,
    ) -> None:
        self.detector = detector
        self.accept_damaged = accept_damaged
        self.max_pixels = max_pixels
        self._argv = [json_path(argument) for argument in argv]
        self._weights = WeightsPart(name=weights.passport.name, sha256=weights.sha256, licence=weights.passport.licence)
        self._settings_sha256 = settings_digest(detector.settings, weights.sha256, accept_damaged)
        self._tool = tool_versions(detector.backend.runtime)

    def examine(
        self,
        source: str,
        *,
        data: bytes | None = None,
        output: OutputFolder | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Examination:
        """Examine one input; a bad one gives a record too. `data`: the bytes, where they came from standard input.

        Raises OutputError if results cannot be written, and nothing for a bad input.
        """
        started_at, started = datetime.now(UTC), time.monotonic()
        photo: Photo | None = None
        problem: str | None = None
        try:
            photo = read_photo(source, data=data, max_pixels=self.max_pixels)
        except InputError as error:
            detection, problem = failed_detection(error), str(error)
        read_s = time.monotonic() - started
        flags: list[str] = []
        if photo is not None:
            if not photo.decode.integrity.ok and not self.accept_damaged:
                detection = not_analysed("damaged")
                problem = (
                    f"{source!r} is damaged: {'; '.join(photo.decode.integrity.findings[:2])}. Get an undamaged copy, or "
                    "analyse it all the same with --accept-damaged."
                )
            else:
                if not photo.decode.integrity.ok:
                    flags.append("damaged input accepted")
                detection = self.detector.detect(photo.pixels, on_progress)
                if detection.verdict is Verdict.NOT_ANALYSED:
                    problem = self._why_not(source, photo, detection)
        sha256_after = self._hash_again(source, data, photo)
        if photo is not None and sha256_after != photo.sha256:
            flags.append("the file changed during the analysis")
        analyse_s = time.monotonic() - started - read_s

        folder = None if output is None else output.folder_for(source, photo.sha256 if photo else None)
        artefacts = self._write_pictures(photo, detection, folder)
        record = Record(
            input=InputPart(
                path=json_path(source),
                size=photo.size_bytes if photo else None,
                sha256=photo.sha256 if photo else None,
                sha256_after=sha256_after,
            ),
            decode=decode_part(photo) if photo else None,
            metadata=photo.metadata if photo else {},
            provenance={"status": PROVENANCE_NOTE},
            analysis=self._analysis(detection) if detection.tiles else None,
            result=result_part(detection, self.detector.settings, tuple(flags)),
            artefacts=artefacts,
            weights=self._weights,
            tool=self._tool,
            settings_sha256=self._settings_sha256,
            argv=self._argv,
            timing=TimingPart(
                started_at=started_at.isoformat(timespec="milliseconds"),
                read_s=round(read_s, 3),
                analyse_s=round(analyse_s, 3),
            ),
        )
        if folder is not None:
            write_whole(folder / RECORD_NAME, record.to_text().encode("ascii"))
        return Examination(record, folder, problem)

    def _why_not(self, source: str, photo: Photo, detection: Detection) -> str:
        decode, smallest = photo.decode, self.detector.settings.smallest_photo_side
        sentences = {
            "too small": f"has {decode.width} x {decode.height} pixels; these weights were measured on photos of at least "
            f"{smallest} pixels a side. Analyse the original, not a thumbnail",
            "featureless": "shows one even colour; expected a photo. There is nothing in it to analyse",
        }
        default = "gave no finite result; expected logits. Try --precision fp32, and report the file's hash"
        return f"{source!r} {sentences.get(detection.reason or '', default)}."

    @staticmethod
    def _hash_again(source: str, data: bytes | None, photo: Photo | None) -> str | None:
        if photo is None:
            return None
        try:
            return sha256_file(source) if data is None else sha256_bytes(data)
        except OSError:
            return None  # gone meanwhile: differs from the first hash, and is flagged

    def _analysis(self, detection: Detection) -> AnalysisPart:
        settings, backend = self.detector.settings, self.detector.backend
        weights = {level.name: level.weight for level in settings.levels}
        return AnalysisPart(
            scales=list(detection.scales),
            tiles=detection.tiles,
            overlap=settings.overlap,
            fusion={name: weights.get(name, 1.0) for name in detection.scales},
            precision=settings.precision,
            device=backend.device,
            backend=backend.name,
            coverage=detection.coverage,
        )

    def _write_pictures(self, photo: Photo | None, detection: Detection, folder: Path | None) -> list[ArtefactPart]:
        if folder is None or photo is None or detection.probability is None:
            return []
        threshold = self.detector.settings.pixel_threshold
        pictures = {
            "overlay": overlay.overlay(photo.pixels, detection.probability, threshold),
            "heatmap": overlay.heatmap(detection.probability),
            "mask": overlay.mask(detection.probability, threshold),
        }
        artefacts = []
        for role, data in pictures.items():
            path = folder / f"{role}.png"
            write_whole(path, data)
            artefacts.append(ArtefactPart(role=role, path=f"{folder.name}/{path.name}", sha256=sha256_bytes(data)))
        return artefacts
