"""From a photo of a set to its row: read, analysed by the engine, compared with its mask."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import InputError
from mesorch_cli.evaluation.datasets import Sample
from mesorch_cli.evaluation.entrants import Entrant
from mesorch_cli.evaluation.masks import MaskRule, ReadMask, read_mask
from mesorch_cli.evaluation.outcome import Outcome, row_key
from mesorch_cli.evaluation.perturb import Perturbation
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import Photo, Pixels
from mesorch_cli.files.hashing import sha256_file

ROWS = "mesorch.evaluation.row/4"  # raise it when counting changes, so that old rows are not reused


@dataclass(frozen=True)
class Seen:
    """What was compared, for pictures: pixels as analysed, mask, map."""

    pixels: Pixels
    mask: NDArray[np.bool_]
    map: NDArray[np.float32]


OnSeen = Callable[[Outcome, Seen], None]


class Evaluator:
    """One entrant, one protocol, and the changes to every photo before the analysis."""

    def __init__(
        self,
        entrant: Entrant,
        protocol: Protocol,
        changes: tuple[Perturbation, ...] = (),
        on_seen: OnSeen | None = None,
        masks: MaskRule | None = None,
    ) -> None:
        self.entrant = entrant
        self.protocol = protocol
        self.changes = changes
        self.on_seen = on_seen
        self.masks = masks or MaskRule()
        self._fixed = (
            ROWS,
            *entrant.identity,
            protocol,
            self.masks,
        )

    def key(self, sample: Sample) -> str:
        """Return a hash of everything that the row of a sample depends on. Raises OSError for unreadable files."""
        mask = "" if sample.mask is None else sha256_file(sample.mask)
        return row_key(*self._fixed, *self.changes, sha256_file(sample.photo), mask, sample.kind)

    def outcome(self, sample: Sample) -> Outcome:
        """Return the row of one sample. A bad photo or mask gives a row with the reason."""
        try:
            key = self.key(sample)
        except OSError as error:
            return Outcome(
                sample.photo.name, "", sample.mask is not None, "failed", error.strerror or "unreadable", sample.kind
            )
        try:
            mask = None if sample.mask is None else read_mask(sample.mask, self.masks)
            photo = process_reader().read(sample.photo)
            return self._analysed(sample, key, photo, mask)
        except InputError as error:
            return Outcome(sample.photo.name, key, sample.mask is not None, "failed", error.reason, sample.kind)

    def _analysed(self, sample: Sample, key: str, photo: Photo, read: ReadMask | None) -> Outcome:
        decode = photo.decode
        jpeg = photo.metadata.get("jpeg") or {}
        quality = jpeg.get("quality")
        row = Outcome(
            photo=sample.photo.name,
            key=key,
            tampered=read is not None and bool(read.tampered.any()),
            status="not analysed",
            reason="damaged",
            kind=sample.kind,
            width=decode.width,
            height=decode.height,
            format=decode.format,
            quality=None if quality is None else int(quality),
            mask=None if read is None else read.reading,
        )
        if not decode.integrity.ok:
            return row
        pixels: Pixels = photo.pixels
        mask = np.zeros(pixels.shape[:2], bool) if read is None else read.tampered
        for change in self.changes:
            pixels, mask = change.apply(pixels, mask, photo.sha256)
        prepared = self.protocol.prepared(pixels)
        # Coefficients belong to the file's own pixels.
        answer = self.entrant.answer(prepared, photo.steps if prepared is photo.pixels else None)
        if answer.map is None:
            return replace(row, reason=answer.reason, verdict=answer.verdict)
        assert answer.threshold is not None
        figures = self.protocol.compare(answer.map, mask, answer.threshold)
        row = replace(
            row,
            tampered=figures.tampered > 0,
            status="analysed",
            reason=None,
            verdict=answer.verdict,
            score=answer.score,
            pixels=figures,
        )
        if self.on_seen is not None:
            self.on_seen(row, Seen(prepared, mask, answer.map))
        return row

    def run(self, samples: Iterable[Sample], known: dict[str, Outcome]) -> Iterator[tuple[Outcome, bool]]:
        """Yield the row of every sample in order, and whether it is new. Rows with `known` keys are not recomputed."""
        for sample in samples:
            found = known.get(self._key_or_none(sample) or "")
            if found is not None and found.photo == sample.photo.name:
                yield found, False
            else:
                yield self.outcome(sample), True

    def _key_or_none(self, sample: Sample) -> str | None:
        try:
            return self.key(sample)
        except OSError:
            return None
