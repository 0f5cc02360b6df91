"""The words of a report: what a verdict, a score, a flag and a reason mean, and what they do not."""

from typing import Any

from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from mesorch_cli.report.findings import counted_words

VERDICTS = {
    "evidence of manipulation": "Parts of this photo look manipulated: the score reaches the limit above which these "
    "weights speak of evidence. It is an indication, to be weighed by a person together with everything else that is known "
    "of the photo.",
    "inconclusive": "The score lies between the two limits. It supports neither that the photo was manipulated nor that it "
    "was not.",
    "no evidence found": "No evidence of manipulation was found. That does not show that the photo is unaltered: edits that "
    "the weights do not know, and edits whose traces a later resize or compression washed out, are not found.",
    "not analysed": "Nothing is said of this photo, neither for nor against a manipulation.",
}
NOT_A_PHOTO = (
    "The picture looks like a screenshot, a text or a drawing. These weights were not made for such pictures. Neither the "
    "score nor copies say anything of a manipulation there: writing repeats itself."
)
LIMITS = (
    "A verdict is the tool's reading of a score. Whether a photo was manipulated is for a person to say.",
    "“No evidence found” does not mean that a photo is unaltered: edits without a trace that the weights know are not found.",
    "Ordinary processing can look like an edit: strong local contrast, portrait blur, captions, watermarks, sharpening.",
    "Where the map is bright, pixels look manipulated to the network. The outline of a region is not that of an object.",
    "The limits of score and map were set on other photos. How often they err on photos like these can be measured with "
    "mesorch evaluate.",
)
REASONS = {
    "damaged": "The file is damaged; what would be analysed is in part the decoder's invention.",
    "empty": "The file has no content.",
    "missing": "The file was gone when it should have been read.",
    "not a file": "There is something of that name that is no regular file.",
    "not an image": "The content is no image.",
    "unreadable": "The file could not be read or decoded.",
    "unsupported format": "It is an image of a format that is not read.",
    "too many pixels": "The photo is larger than the limit of this run.",
    "no such page": "The file does not have the page that was asked for.",
    "decoding took too long": "The file was not decoded within the time that this run allows.",
    "too little memory": "Decoding the file needs more memory than this run allows.",
    "decoder crashed": "The process that decoded the file broke down. The file may be made to break decoders, or damaged.",
    "too small": "The photo is smaller than those on which the weights were measured.",
    "featureless": "The photo shows one even colour; there is nothing in it to analyse.",
    "non-finite logits": "The network gave no finite result.",
}
FLAGS = {
    "score and map disagree": "Score and map tell different stories: a large region that is not weak without evidence, "
    "or evidence without such a region. Look at the map, not at the verdict alone.",
    "parts not analysed": "Some pixels were not analysed; the map is 0 there without meaning it.",
    "featureless tiles": "Some tiles showed one even colour and were left out.",
    "non-finite logits": "The network gave no finite result for some tiles; they were left out.",
    "damaged input accepted": "The file is damaged and was analysed at the user's wish. Parts of the picture may be the "
    "decoder's invention.",
    "16 bits analysed as 8": "The photo has 16 bits a sample; these weights take 8, to which it was rounded.",
    "fewer tiles at once: out of memory": "Memory ran short, and fewer tiles were analysed at once. That moves last digits.",
    LIKE_A_SCREEN: "Most of what the picture shows stands on even grounds of exact levels, without the noise of a camera. "
    "Whatever the score, the verdict is “inconclusive”. A photo of very low quality, or one that was cut out and put on an "
    "even ground, can look like that too.",
    "the file changed during the analysis": "The file's bytes were not the same before and after. The result belongs to the "
    "first hash.",
}


def verdict_meaning(result: dict[str, Any]) -> str:
    """Return the sentence for the verdict of a record, empty for an unknown one."""
    return NOT_A_PHOTO if LIKE_A_SCREEN in result["flags"] else VERDICTS.get(result["verdict"], "")


def reason_meaning(reason: str) -> str:
    """Return the sentence for a reason of the record."""
    if reason.startswith("fault: "):
        return "The analysis broke off by a fault of the tool or the machine. It says nothing of the file."
    return REASONS.get(reason, "")


def flag_meaning(flag: str) -> str:
    """Return the sentence for a flag of the record, empty for one that speaks for itself."""
    if flag.startswith("same bytes as "):
        return "The same file lies in the evidence under another name; it was analysed once, and this is that result."
    if flag.endswith(" listed"):
        return "There are more regions than the record lists; those listed weigh most."
    return FLAGS.get(flag, "")


def score_meaning(result: dict[str, Any]) -> str:
    """Return what the raw score of a record is."""
    name, _, share = result["pooling"].partition(" ")
    if name == "max":
        what = "the largest value of the map"
    elif name == "top-mean":
        what = f"the mean of the map over the {float(share) * 100:g} % of its pixels that are highest"
    else:
        what = result["pooling"]
    return f"Raw score, 0 to 1: {what}{counted_words(result)}. It orders photos; it is not a probability."


def probability_meaning(result: dict[str, Any]) -> str:
    """Return what the calibrated probability of a record rests on; only for a record that has one."""
    basis = result.get("calibration")
    if basis is None:
        return "From the calibration of the weights, for even prior odds."
    return f"For even prior odds, from the calibration on {calibration_basis(basis)}."


def calibration_basis(basis: dict[str, Any]) -> str:
    """Name the photos of a calibration."""
    if basis["authentic"] is None or basis["tampered"] is None:
        return str(basis["fitted_on"])
    return f"{basis['fitted_on']} ({basis['authentic']} photos without and {basis['tampered']} with manipulation)"


def number(value: float) -> str:
    """Return a ratio with three figures, as people write it: 0.05, 14.2, 1,200."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def ratio_meaning(ratio: dict[str, float]) -> str:
    """Say a likelihood ratio in words, with the bounds that the calibration supports."""
    value, lowest, highest = ratio["value"], ratio["lowest"], ratio["highest"]
    if value >= 1:
        words = f"A score like this is {number(value)} times as probable for a manipulated photo as for one that is not"
    else:
        words = f"A score like this is {number(1 / value)} times as probable for a photo without manipulation as for one with"
    words += f". The calibration supports ratios from {number(lowest)} to {number(highest)}"
    if value <= lowest * 1.001 or value >= highest * 0.999:
        words += "; this one stands at that bound, and may in truth lie beyond it"
    return words + ". It says nothing of how probable a manipulation was before the photo was looked at."


def limits_of(settings: dict[str, Any]) -> tuple[float, float] | None:
    """Return (inconclusive from, evidence from) of the score out of the settings of a case, None where they do not say."""
    score = settings.get("score")
    if not isinstance(score, dict):
        return None
    low, high = score.get("inconclusive_at"), score.get("evidence_at")
    return (float(low), float(high)) if isinstance(low, int | float) and isinstance(high, int | float) else None
