"""One photo explained: analysed as ever with the parts of the network kept, and again in other ways, by the one engine."""

from dataclasses import dataclass

import numpy as np

from mesorch_cli import __version__
from mesorch_cli.errors import UsageError
from mesorch_cli.evidence.photo import Photo
from mesorch_cli.explanation.attribution import added_of, influences, limit_of, means, network_map, spread
from mesorch_cli.explanation.drawing import Drawing
from mesorch_cli.explanation.facts import (
    FILE_NAME,
    NO_GATE,
    CheckPart,
    ExplainedRegion,
    ExplainedWeights,
    Explanation,
    OutcomePart,
    ScalePart,
)
from mesorch_cli.explanation.scales import BRANCHES, NetworkScale, scales_of
from mesorch_cli.explanation.stability import (
    CHECKS,
    Mask,
    NotPossibleError,
    RegionPixels,
    at_photo_size,
    outcomes,
    places_of,
)
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.inference.backends.protocol import Backend, Explaining
from mesorch_cli.inference.detection import Detection
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.parts import Parts, PartSamples
from mesorch_cli.inference.tally import OnProgress
from mesorch_cli.network.passport import WeightsFile

RUNS = 1 + len(CHECKS)
GATE = "A gate weighs the maps against each other at every pixel; its weights sum to 1."


@dataclass(frozen=True)
class Explained:
    """A detection, the same as without an explanation, and where the photo was analysed what explains it.

    pictures: PNG bytes by file name, `explanation.json` among them.
    """

    detection: Detection
    facts: Explanation | None
    pictures: dict[str, bytes]


class Explainer:
    """Explains photos with a detector. Raises UsageError for weights that hold the network's final answer only."""

    def __init__(self, detector: Detector, weights: WeightsFile, drawing: Drawing) -> None:
        self.detector = detector
        self.drawing = drawing
        self.weights = weights
        self.scales, self.gated = scales_of(weights.passport)
        self._run = require_explaining(detector.backend, weights).explained

    def explain(
        self, photo: Photo, on_progress: OnProgress | None = None, *, accept_damaged: bool = False
    ) -> Explained:
        """Analyse a photo and explain it. A photo that is not analysed has no explanation; the detection says why."""
        parts = Parts(self._run, len(self.scales))
        detection = self.detector.detect_photo(
            photo, _portion(on_progress, 0), accept_damaged=accept_damaged, parts=parts
        )
        if detection.map is None or detection.threshold is None or detection.score is None:
            return Explained(detection, None, {})
        samples = parts.finish()
        above = np.asarray(detection.map > np.float32(detection.threshold))
        places = places_of(detection.regions, above)
        checks, found, made = self._checked(photo, detection, above, places, on_progress)
        limit = limit_of(added_of(samples))
        made = self.drawing.scales(samples, self.scales, self.gated, limit) | self.drawing.views(samples) | made
        facts = Explanation(
            tool_version=__version__,
            photo_sha256=photo.sha256,
            width=photo.decode.width,
            height=photo.decode.height,
            weights=ExplainedWeights(name=self.weights.passport.name, sha256=self.weights.sha256),
            network=self.weights.passport.network.name,
            gate=self.gated,
            gate_words=GATE if self.gated else NO_GATE,
            verdict=detection.verdict,
            score=round(detection.score, 6),
            threshold=round(detection.threshold, 6),
            above=_share(above),
            step=samples.step,
            added_limit=round(limit, 4),
            scales=[self._scale(samples, index, scale) for index, scale in enumerate(self.scales)],
            branches=self._branches(samples),
            regions=self._regions(detection, samples, above, places, found),
            checks=checks,
            pictures={name: sha256_bytes(data) for name, data in made.items()},
        )
        return Explained(detection, facts, made | {FILE_NAME: (facts.to_line() + "\n").encode("ascii")})

    def _checked(
        self, photo: Photo, usual: Detection, above: Mask, places: list[RegionPixels], on_progress: OnProgress | None
    ) -> tuple[list[CheckPart], list[dict[str, OutcomePart]], dict[str, bytes]]:
        """Return the checks, what each left of each region, and their pictures."""
        height, width = above.shape
        checks: list[CheckPart] = []
        found: list[dict[str, OutcomePart]] = [{} for _ in places]
        made: dict[str, bytes] = {}
        for number, check in enumerate(CHECKS, start=1):
            told: dict[str, object] = {"verdict": None, "score": None, "above": None}
            try:
                varied = check.run(self.detector, photo, usual, _portion(on_progress, number))
                if varied.map is None or varied.score is None:
                    raise NotPossibleError(f"the varied photo was not analysed: {varied.reason}")
            except NotPossibleError as reason:
                checks.append(CheckPart(name=check.name, title=check.title, reason=str(reason), **told))
                continue
            map_ = at_photo_size(varied.map, height, width)
            again = np.asarray(map_ > np.float32(usual.threshold))
            told = {"verdict": varied.verdict, "score": round(varied.score, 6), "above": _share(again)}
            checks.append(CheckPart(name=check.name, title=check.title, reason=None, **told))
            for region, outcome in zip(found, outcomes(places, above, again), strict=True):
                region[check.name] = outcome
            made[f"check_{check.name}.png"] = self.drawing.check(photo.pixels, map_, above)
        return checks, found, made

    def _scale(self, samples: PartSamples, index: int, scale: NetworkScale) -> ScalePart:
        return ScalePart(
            name=scale.name,
            branch=scale.branch,
            stride=scale.stride,
            map=spread(samples.maps[index]),
            gate=spread(samples.weights[index]) if self.gated else None,
            added=spread(samples.products[index]),
        )

    def _branches(self, samples: PartSamples) -> dict[str, float | None]:
        """Return the mean of the gate's weights of each branch over the photo."""
        everywhere = means(samples.weights, _seen(samples))
        return {
            branch: round(float(sum(everywhere[index] for index in of)), 4) if self.gated else None
            for branch in BRANCHES
            if (of := [index for index, scale in enumerate(self.scales) if scale.branch == branch])
        }

    def _regions(
        self,
        detection: Detection,
        samples: PartSamples,
        above: Mask,
        places: list[RegionPixels],
        found: list[dict[str, OutcomePart]],
    ) -> list[ExplainedRegion]:
        seen, alone = _seen(samples), network_map(samples)
        rest = seen & ~np.asarray(samples.of(above), np.bool_)
        listed = []
        for number, (region, place, checks) in enumerate(zip(detection.regions, places, found, strict=True), start=1):
            mask = _sampled(samples, place, seen)
            lift, branches, scales = influences(samples, self.scales, self.gated, mask, rest)
            listed.append(
                ExplainedRegion(
                    number=number,
                    x=region.x,
                    y=region.y,
                    width=region.width,
                    height=region.height,
                    weak=region.weak,
                    share=round(region.share, 6),
                    map_mean=round(region.mean, 6),
                    network_mean=round(float(alone[mask].mean()), 6),
                    lift=lift,
                    branches=branches,
                    scales=scales,
                    checks=checks,
                )
            )
        return listed


def require_explaining(backend: Backend, weights: WeightsFile) -> Explaining:
    """Return a backend that gives the parts of its logits. Raises UsageError for one that has none."""
    if not isinstance(backend, Explaining):
        raise UsageError(
            f"The weights {str(weights.path)!r} are an exported file: it gives the finished map only, not the maps per scale "
            "and the gate behind it. Expected the .safetensors weights that it was made from."
        )
    return backend


def _portion(on_progress: OnProgress | None, run: int) -> OnProgress | None:
    """Return what tells the progress of one run as that of all."""
    if on_progress is None:
        return None
    tell = on_progress
    return lambda done, total: tell(run * total + done, RUNS * total)


def _share(mask: Mask) -> float:
    return round(float(np.count_nonzero(mask)) / mask.size, 6)


def _seen(samples: PartSamples) -> Mask:
    return np.asarray(np.isfinite(samples.products).all(axis=0))


def _sampled(samples: PartSamples, place: RegionPixels, seen: Mask) -> Mask:
    """Return a region's samples; of one that lies between all of them, the nearest that was seen."""
    mask = np.zeros(seen.shape, np.bool_)
    rows, columns = (np.arange(samples.first, samples.first + size * samples.step, samples.step) for size in seen.shape)
    inside = [
        np.flatnonzero((at >= box.start) & (at < box.stop)) for at, box in zip((rows, columns), place.box, strict=True)
    ]
    if all(map(len, inside)):
        (top, bottom), (left, right) = ((one[0], one[-1] + 1) for one in inside)
        part = place.mask[rows[inside[0]] - place.box[0].start][:, columns[inside[1]] - place.box[1].start]
        mask[top:bottom, left:right] = part & seen[top:bottom, left:right]
    if not mask.any():
        own = np.argwhere(place.mask)[len(np.argwhere(place.mask)) // 2] + [box.start for box in place.box]
        known = np.argwhere(seen)
        nearest = known[np.abs(known * samples.step + samples.first - own).sum(axis=1).argmin()]
        mask[tuple(nearest)] = True
    return mask
