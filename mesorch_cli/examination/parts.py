"""Parts of a record, made from what was read and found."""

from collections.abc import Sequence

from pydantic import JsonValue

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.fingerprint import fingerprint
from mesorch_cli.evidence.metadata.declared import KEY, declared_in
from mesorch_cli.evidence.orientation import Box, upright_box, upright_size
from mesorch_cli.evidence.photo import Photo
from mesorch_cli.examination.record import PROBABILITY_DIGITS, DeclaredPart, DecodePart, SizePart, StatementPart
from mesorch_cli.examination.record_result import (
    BoxPart,
    CalibrationPart,
    DeviationPart,
    DomainPart,
    FindingPart,
    GeometryPart,
    OutlinePart,
    PlacePart,
    RatePart,
    RatioPart,
    RegionPart,
    ResultPart,
)
from mesorch_cli.inference.detection import Detection
from mesorch_cli.inference.domain import Comparison
from mesorch_cli.inference.rates import Rate
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.inference.settings import Settings
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.geometry import Geometry


def decode_part(photo: Photo) -> DecodePart:
    """Return the decode block of a photo."""
    decode = photo.decode
    upright = upright_size(decode.width, decode.height, decode.orientation)
    changed = {
        "integrity": vars(decode.integrity),
        "upright": SizePart(width=upright[0], height=upright[1]),
        "fingerprint": fingerprint(photo.pixels, decode.orientation),
    }
    return DecodePart.model_validate(vars(decode) | changed)


def result_part(
    detection: Detection,
    settings: Settings,
    photo: Photo | None = None,
    rates: Sequence[Rate] = (),
    domain: Sequence[Comparison] = (),
) -> ResultPart:
    """Return the result block; floats rounded to PROBABILITY_DIGITS.

    photo: for the places when upright. rates: of the verdict, where they were measured. domain: the photo beside the
    photos of their sets.
    """
    rule = settings.score
    regions = [
        RegionPart(
            **vars(region)
            | {
                "share": round(region.share, PROBABILITY_DIGITS),
                "mean": round(region.mean, PROBABILITY_DIGITS),
                "peak": round(region.peak, PROBABILITY_DIGITS),
                "upright": _upright(Box(region.x, region.y, region.width, region.height), photo),
            }
        )
        for region in detection.regions
    ]
    return ResultPart(
        score=None if detection.score is None else round(detection.score, PROBABILITY_DIGITS),
        pooling=rule.pooling if rule.pooling == "max" else f"{rule.pooling} {rule.share:g}",
        probability=None if detection.probability is None else round(detection.probability, PROBABILITY_DIGITS),
        threshold=settings.threshold if detection.threshold is None else round(detection.threshold, PROBABILITY_DIGITS),
        verdict=detection.verdict,
        reason=detection.reason,
        regions=regions,
        flags=list(detection.flags),
        findings=[_finding_part(finding, photo) for finding in detection.findings],
        likelihood_ratio=_ratio_part(detection),
        calibration=_calibration_part(settings) if detection.probability is not None else None,
        rates=[_rate_part(rate) for rate in rates],
        domain=[_domain_part(comparison) for comparison in domain],
    )


def _finding_part(finding: Finding, photo: Photo | None) -> FindingPart:
    return FindingPart(
        witness=finding.witness,
        certainty=round(finding.certainty, PROBABILITY_DIGITS),
        places=[PlacePart(role=role, **box._asdict(), upright=_upright(box, photo)) for role, box in finding.places],
        measures=dict(finding.measures),
        geometry=None if finding.geometry is None else _geometry_part(finding.geometry),
    )


def _geometry_part(geometry: Geometry) -> GeometryPart:
    return GeometryPart(
        outlines=[
            OutlinePart(role=role, corners=[side for corner in corners for side in corner])
            for role, corners in geometry.outlines
        ],
        links=[(*start, *end) for start, end in geometry.links],
        tolerance=geometry.tolerance,
    )


def _upright(box: Box, photo: Photo | None) -> BoxPart | None:
    if photo is None:
        return None
    decode = photo.decode
    return BoxPart(**upright_box(box, decode.width, decode.height, decode.orientation)._asdict())


def _rate_part(rate: Rate) -> RatePart:
    return RatePart(
        set=rate.set,
        truth=rate.truth,
        verdicts=list(rate.verdicts),
        called=rate.called,
        photos=rate.photos,
        lowest=round(rate.lowest, PROBABILITY_DIGITS),
        highest=round(rate.highest, PROBABILITY_DIGITS),
    )


def _domain_part(comparison: Comparison) -> DomainPart:
    outside = [DeviationPart.model_validate(vars(one) | {"known": list(one.known)}) for one in comparison.outside]
    return DomainPart(set=comparison.set, photos=comparison.photos, outside=outside)


def _ratio_part(detection: Detection) -> RatioPart | None:
    ratio = detection.ratio
    if ratio is None:
        return None
    return RatioPart(
        value=float(f"{ratio.value:.4g}"),
        log10=round(ratio.log10, PROBABILITY_DIGITS),
        lowest=float(f"{10**ratio.lower:.4g}"),
        highest=float(f"{10**ratio.upper:.4g}"),
    )


def _calibration_part(settings: Settings) -> CalibrationPart | None:
    calibration = settings.score.calibration
    if calibration is None:
        return None
    return CalibrationPart(
        fitted_on=calibration.fitted_on, authentic=calibration.authentic, tampered=calibration.tampered
    )


def declared_part(photo: Photo) -> DeclaredPart:
    """Return what a photo's file declares about AI."""
    declared = declared_in(photo.metadata, photo.provenance)
    statements = [StatementPart(**statement._asdict()) for statement in declared.statements]
    return DeclaredPart(looked_at=list(declared.looked_at), statements=statements)


def metadata_part(photo: Photo) -> dict[str, JsonValue]:
    """Return a photo's metadata without the parts that have their own block."""
    return {key: value for key, value in photo.metadata.items() if key != KEY}


def failed_detection(error: InputError) -> Detection:
    """Return the result of an input that could not be read: not analysed, with the error's reason."""
    return Detection(Verdict.NOT_ANALYSED, reason=error.reason)
