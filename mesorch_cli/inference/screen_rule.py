"""When a picture is held to be a screenshot, a text or a drawing, and no photo."""

from dataclasses import dataclass

LIKE_A_SCREEN = "looks like a screenshot or a drawing"  # the flag of a result


@dataclass(frozen=True)
class ScreenMeasures:
    """Shares of a picture, 0..1; `even` and `exact` are high for pictures of screens.

    shown: of its cells, those that show something. even: of these, those that have an even ground. exact: of their pixels,
    those by which single grey levels stand out from the levels beside them.
    """

    shown: float
    even: float
    exact: float


@dataclass(frozen=True)
class ScreenRule:
    """A logistic in what is measured; a picture looks like a screen where it is above 0 and enough of it shows something."""

    even: float
    exact: float
    intercept: float
    least_shown: float

    def logit(self, measures: ScreenMeasures) -> float:
        """Return the logistic's logit."""
        return self.even * measures.even + self.exact * measures.exact + self.intercept

    def catches(self, measures: ScreenMeasures) -> bool:
        """Say whether a picture that measures so looks like a screenshot or a drawing."""
        return measures.shown >= self.least_shown and self.logit(measures) > 0.0


# Fitted by benchmarks/screen_rates.py on half of the sources: 941 pictures of screens and 9,826 photos, some of these made
# dark, bright, grey, tiny, framed or heavily compressed. The limit lies where 2 of 1,000 of those photos are caught.
RULE = ScreenRule(even=11.6, exact=6.3, intercept=-8.8, least_shown=0.02)
