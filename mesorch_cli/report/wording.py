"""The words of a report: what a verdict, a score, a flag and a reason mean, and what they do not mean."""

from typing import Any

from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from mesorch_cli.report.findings import counted_words

VERDICTS = {
    "evidence of manipulation": "Parts of this photo look manipulated: the score reaches the limit from which these "
    "weights report evidence. This is an indication. A person must weigh it together with everything else that is "
    "known about the photo.",
    "inconclusive": "The score is between the two limits. It supports neither that the photo was manipulated nor that it "
    "was not.",
    "no evidence found": "No evidence of manipulation was found. This does not show that the photo is unaltered: the "
    "weights miss unfamiliar edits, and edits whose traces were destroyed by later resizing or compression.",
    "not analysed": "No conclusion is drawn about this photo, neither for nor against manipulation.",
}
NOT_A_PHOTO = (
    "The picture looks like a screenshot, a text or a drawing. These weights were not made for such pictures. Neither the "
    "score nor copies say anything about manipulation there, as writing repeats itself."
)
LIMITS = (
    "A verdict is the tool's reading of a score. A person must decide whether a photo was manipulated.",
    "“No evidence found” does not mean that a photo is unaltered: edits that leave no familiar trace are not found.",
    "Ordinary processing can look like an edit: strong local contrast, portrait blur, captions, watermarks, "
    "sharpening.",
    "Where the map is bright, pixels look manipulated to the network. The outline of a region need not be that of an "
    "object, and where it is one, this does not show that the object was changed.",
    "The limits of score and map were set on other photos. Use mesorch evaluate to measure how often they err on "
    "photos like these.",
)
YOUR_REPORT = (
    "Sentences that the record supports. What else may be said, and what must not, is in docs/report-wording.md of the "
    "program."
)
ALIKE = (
    "By a fingerprint of what the photo shows: the same photo saved or resized again, or another one of the same scene."
)
REASONS = {
    "damaged": "The file is damaged, so the decoder would invent parts of the picture.",
    "empty": "The file has no content.",
    "missing": "There was no file of this name when it was to be read.",
    "not a file": "Something has this name but is not a regular file.",
    "not an image": "The content is not an image.",
    "unreadable": "The file could not be read or decoded.",
    "unsupported format": "It is an image in a format that the tool does not read.",
    "too many pixels": "The photo is larger than the limit of this run.",
    "no such page": "The file does not have the requested page.",
    "decoding took too long": "The file was not decoded within the time limit of this run.",
    "too little memory": "Decoding the file needs more memory than this run allows.",
    "decoder crashed": "The process that decoded the file crashed. The file may be damaged, or built to break decoders.",
    "too small": "The photo is smaller than those on which the weights were measured.",
    "featureless": "The photo shows a single colour, so there is nothing to analyse.",
    "non-finite logits": "The network gave no finite result.",
}
FLAGS = {
    "score and map disagree": "Score and map contradict each other: there is a large strong region without evidence, "
    "or evidence without such a region. Look at the map, not only at the verdict.",
    "parts not analysed": "Some pixels were not analysed. The map is 0 there, which means nothing.",
    "featureless tiles": "Some tiles showed a single colour and were left out.",
    "non-finite logits": "The network gave no finite result for some tiles, which were left out.",
    "damaged input accepted": "The file is damaged and was analysed at the user's request. The decoder may have invented "
    "parts of the picture.",
    "16 bits analysed as 8": "The photo has 16 bits per sample. It was rounded to 8, which these weights take.",
    "fewer tiles at once: out of memory": "Memory ran short, so fewer tiles were analysed at once. Last digits may differ.",
    LIKE_A_SCREEN: "Most of the picture consists of even areas of exact levels, without the noise of a camera, or of dark "
    "print on paper of one tone. Whatever the score, the verdict is “inconclusive”. A photo of very low quality, or one that "
    "was cut out and put on an even background, can look like this, too.",
    "the file changed during the analysis": "The file's bytes changed between start and end. The result belongs to the "
    "first hash.",
}


EDGES = (
    "The edges of the map are then moved to edges of the photo, so that values on this page can differ from those behind the "
    "score."
)


def verdict_meaning(result: dict[str, Any]) -> str:
    """Return the sentence for the verdict of a record, empty for an unknown one."""
    return NOT_A_PHOTO if LIKE_A_SCREEN in result["flags"] else VERDICTS.get(result["verdict"], "")


def reason_meaning(reason: str) -> str:
    """Return the sentence for a reason of the record."""
    if reason.startswith("fault: "):
        return "The analysis was broken off by a fault of the tool or the machine. This says nothing about the file."
    return REASONS.get(reason, "")


def flag_meaning(flag: str) -> str:
    """Return the sentence for a flag of the record, empty for one that speaks for itself."""
    if flag.startswith("same bytes as "):
        return "The same file is in the evidence under another name. It was analysed once, and this is that result."
    if flag.endswith(" listed"):
        return "There are more regions than the record lists. It lists those with the most weight."
    return FLAGS.get(flag, "")


def score_meaning(result: dict[str, Any], settings: dict[str, Any]) -> str:
    """Return what a record's raw score is, in sentences. settings: those of the record."""
    told = f"Raw score, 0 to 1: the {score_words(result, settings)}. It orders photos; it is not a probability."
    return f"{told} {EDGES}" if settings.get("edges") else told


def score_words(result: dict[str, Any], settings: dict[str, Any]) -> str:
    """Return what a record's raw score is, without an article: `mean of the map's highest 0.05 % of pixels`.

    settings: those of the record.
    """
    name, _, share = result["pooling"].partition(" ")
    if name == "max":
        what = "largest value of the map"
    elif name == "top-mean":
        what = f"mean of the map's highest {float(share) * 100:g} % of pixels"
    else:
        what = result["pooling"]
    if settings.get("edges"):
        what += " before its edges are moved"
    return what + counted_words(result)


def probability_meaning(result: dict[str, Any]) -> str:
    """Return the basis of a record's calibrated probability, for a record that has one."""
    basis = result.get("calibration")
    if basis is None:
        return "From the calibration of the weights, for even prior odds."
    return f"For even prior odds, from the calibration on {calibration_basis(basis)}."


def calibration_basis(basis: dict[str, Any]) -> str:
    """Name the photos of a calibration."""
    if basis["authentic"] is None or basis["tampered"] is None:
        return str(basis["fitted_on"])
    return f"{basis['fitted_on']} ({basis['authentic']} photos without manipulation, {basis['tampered']} with)"


def number(value: float) -> str:
    """Return a ratio with three figures, as people write it: 0.05, 14.2, 1,200."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def ratio_meaning(ratio: dict[str, float]) -> str:
    """Return a likelihood ratio in words, with the bounds that the calibration supports."""
    value, lowest, highest = ratio["value"], ratio["lowest"], ratio["highest"]
    if value >= 1:
        times, more, less = number(value), "a manipulated photo", "an unmanipulated one"
    else:
        times, more, less = number(1 / value), "an unmanipulated photo", "a manipulated one"
    words = f"A score like this is {times} times as probable for {more} as for {less}"
    words += f". The calibration supports ratios from {number(lowest)} to {number(highest)}"
    if value <= lowest * 1.001 or value >= highest * 0.999:
        words += "; this one is at that bound and may really be beyond it"
    return words + ". It says nothing about how probable manipulation was before the photo was examined."


def limits_of(settings: dict[str, Any]) -> tuple[float, float] | None:
    """Return (inconclusive from, evidence from) of the score in a case's settings, None if they do not say."""
    score = settings.get("score")
    if not isinstance(score, dict):
        return None
    low, high = score.get("inconclusive_at"), score.get("evidence_at")
    return (float(low), float(high)) if isinstance(low, int | float) and isinstance(high, int | float) else None
