"""One result in rows of a name and a text, as the terminal shows it."""

from typing import TYPE_CHECKING

from mesorch_cli.inference.regions import WEAK_MEAN
from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from mesorch_cli.report import domain, rates
from mesorch_cli.report.declared import lines_of
from mesorch_cli.report.findings import tables_of
from mesorch_cli.report.numbers import percent_text, share_text
from mesorch_cli.report.wording import score_words

if TYPE_CHECKING:
    from mesorch_cli.examination.stages import Examination

REASONS_SHOWN = 3  # why a photo is unlike the measured ones; its page has all


def why_of(examination: "Examination") -> str:
    """Return what follows the verdict, empty where it needs no reason."""
    flags = examination.record.result.flags
    return f": {LIKE_A_SCREEN}; these weights were not made for it" if LIKE_A_SCREEN in flags else ""


def rows_of(examination: "Examination", most: int) -> list[tuple[str, str]]:
    """Return everything below the verdict. most: regions, and findings of one witness, that get a row of their own."""
    record = examination.record
    result, plain = record.result, record.result.model_dump(mode="json")
    rows = [("declared", line.sentence) for line in lines_of(record.model_dump(include={"declared"}))]
    if result.reason:
        rows.append(("reason", result.reason))
    if result.score is not None:
        meaning = (
            "" if result.probability is not None else f" ({score_words(plain, record.settings)}; not a probability)"
        )
        rows.append(("score", f"{share_text(result.score)}{meaning}"))
    if measured := rates.short_of(plain):
        rows.append(("rates", measured))
    if told := domain.sentence_of(plain, REASONS_SHOWN):
        rows.append(("domain", told))
    if result.probability is not None:
        rows.append(("probability", f"{share_text(result.probability)} (calibrated, even prior odds)"))
    if result.likelihood_ratio is not None:
        ratio = result.likelihood_ratio
        rows.append(("likelihood ratio", f"{ratio.value:.3g} (bounded to {ratio.lowest:.3g} .. {ratio.highest:.3g})"))
    if result.calibration is not None and result.calibration.authentic is not None:
        basis = result.calibration
        rows.append(
            ("calibrated on", f"{basis.fitted_on}: {basis.authentic} authentic, {basis.tampered} tampered photos")
        )
    for number, region in enumerate(result.regions[:most], start=1):
        place = f"x {region.x}, y {region.y}, {region.width} x {region.height} px"
        label = "weak" if region.mean < WEAK_MEAN else f"region {number}"
        rows.append((label, f"{place}, {percent_text(region.share)} of the photo, mean {region.mean:.2f}"))
    if len(result.regions) > most:
        rows.append(("", f"and {len(result.regions) - most} more in the record"))
    for table in tables_of(plain):
        rows += [(found.name, found.sentence) for found in table.lines[:most]]
        if len(table.lines) > most:
            rows.append(("", f"and {len(table.lines) - most} more in the record"))
    if result.flags:
        rows.append(("flags", "; ".join(result.flags)))
    if record.decode is not None and record.decode.orientation != 1:
        rows.append(
            ("orientation", f"EXIF {record.decode.orientation}, not applied: positions refer to the stored pixels")
        )
    if record.analysis is not None:
        rows.append(("analysis", f"{', '.join(record.analysis.scales)}; {record.analysis.tiles} tiles"))
    if record.input.sha256:
        rows.append(("sha256", record.input.sha256))
    named = " ".join(filter(None, (record.weights.name, record.weights.version)))
    rows.append(("weights", f"{named}, SHA-256 {record.weights.sha256[:16]}..."))
    if examination.folder is not None:
        rows.append(("written to", str(examination.folder)))
    return rows
