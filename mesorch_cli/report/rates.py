"""How often a verdict like this one was given to photos whose truth is known, in words."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from mesorch_cli.report.domain import remark_of

SETS = {  # of the figures in the passport of the shipped weights
    "held-out": "photos forged by a program and unedited ones, from sources that the weights never saw",
    "realdev": "forgeries made by people and originals, as found on the web",
}
MEANING = (
    "These rates were measured with the same weights and settings on photos whose truth is known. They hold for photos like "
    "those. How often the tool errs on other photos, such as those of a case, has to be measured on photos like them."
)
NOTHING_FOUND = ["no evidence found"]
CALLED = {  # verdicts that were counted, in the words of a sentence
    ("evidence of manipulation",): "called “evidence of manipulation”",
    ("inconclusive", "evidence of manipulation"): "called “inconclusive” or “evidence of manipulation”",
    ("no evidence found",): "called “no evidence found”",
}


def lines_of(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a sentence for every set of measured rates in the `result` of a record; none where nothing was measured."""
    sets = groupby(result.get("rates", ()), key=lambda rate: rate["set"])
    return tuple(
        " ".join(filter(None, (_sentence(name, list(rates)), remark_of(result, name)))) for name, rates in sets
    )


def short_of(result: Mapping[str, Any]) -> str:
    """Return in a few words on how many photos the verdict, or a stronger one, would mislead, for a terminal.

    These are authentic photos, but tampered ones if the verdict is that no evidence was found. Empty where nothing was
    measured.
    """
    rates = result.get("rates", ())
    missed = any(rate["verdicts"] == NOTHING_FOUND for rate in rates)
    truth = "tampered" if missed else "authentic"
    told = [_shortly(result, rate) for rate in rates if rate["truth"] == truth]
    verdict = "this verdict or a stronger one" if any(len(rate["verdicts"]) > 1 for rate in rates) else "this verdict"
    return f"{truth} photos with {verdict}: {'; '.join(told)}" if told else ""


def _shortly(result: Mapping[str, Any], rate: Mapping[str, Any]) -> str:
    unlike = ", unlike this photo" if remark_of(result, rate["set"]) else ""
    return f"{rate['called']} of {rate['photos']} ({rate['set']}{unlike}; {bounds(rate)})"


def bounds(rate: Mapping[str, Any]) -> str:
    """Return the exact 95 % interval of a rate in per cent."""
    return f"95 % interval {percent(rate['lowest'])} to {percent(rate['highest'])}"


def percent(share: float) -> str:
    """Return a share in per cent, with a decimal below ten. One that only rounding makes 0 is told as what it is."""
    value = 100 * share
    if 0 < value < 0.05:
        return "< 0.1 %"
    return f"{value:.1f} %" if 0 < value < 9.95 else f"{value:.0f} %"


def _sentence(name: str, rates: list[Mapping[str, Any]]) -> str:
    verdicts = rates[0]["verdicts"]
    called = CALLED.get(tuple(verdicts), "called " + " or ".join(f"“{one}”" for one in verdicts))
    described = f" ({SETS[name]})" if name in SETS else ""
    counts = " and ".join(_counted(rate) for rate in rates)
    return f"In the set “{name}”{described}, {counts} were {called}."


def _counted(rate: Mapping[str, Any]) -> str:
    share = percent(rate["called"] / rate["photos"])
    return f"{rate['called']} of {rate['photos']} {rate['truth']} photos ({share}; {bounds(rate)})"
