"""When a picture is held to be a screenshot, a text or a drawing, and no photo."""

from dataclasses import dataclass

LIKE_A_SCREEN = "looks like a screenshot or a drawing"  # the flag of a result


@dataclass(frozen=True)
class ScreenMeasures:
    """Shares of a picture, 0..1; `even` and `exact` are high for pictures of screens, `printed` and `paper` for scans.

    shown: of its cells, those that show something. even: of these, those that have an even ground. exact: of their pixels,
    those by which single grey levels stand out from the levels beside them. inked: of its cells, those that stand out from
    its noise. printed: of these, those with dark strokes on a light ground. paper: of all cells, those whose ground has
    about the level of the paper. light: that level, where 1 is white.
    """

    shown: float
    even: float
    exact: float
    inked: float = 0.0
    printed: float = 0.0
    paper: float = 0.0
    light: float = 0.0


@dataclass(frozen=True)
class ScanRule:
    """A logistic in what is measured; a picture looks like a scanned text where it is above 0, and it is a printed sheet.

    That is: enough of it is inked, nearly all of it has the level of the paper, and this is light. A scanner sees nothing but
    the sheet, and has a lamp; a camera sees what lies around, and makes the middle of it all grey.
    """

    printed: float
    paper: float
    intercept: float
    least_inked: float
    least_paper: float
    least_light: float

    def concerns(self, measures: ScreenMeasures) -> bool:
        """Say whether there is anything on a sheet of light paper."""
        sheet = measures.paper >= self.least_paper and measures.light >= self.least_light
        return sheet and measures.inked >= self.least_inked

    def logit(self, measures: ScreenMeasures) -> float:
        """Return the logistic's logit."""
        return self.printed * measures.printed + self.paper * measures.paper + self.intercept

    def catches(self, measures: ScreenMeasures) -> bool:
        """Say whether a picture that measures so looks like a scanned text."""
        return self.concerns(measures) and self.logit(measures) > 0.0


@dataclass(frozen=True)
class ScreenRule:
    """A logistic in what is measured; a picture looks like a screen where it is above 0 and enough of it shows something.

    scan: the rule for scanned texts, by which a picture can also look like no photo; None for screens alone.
    """

    even: float
    exact: float
    intercept: float
    least_shown: float
    scan: ScanRule | None = None

    def concerns(self, measures: ScreenMeasures) -> bool:
        """Say whether enough of a picture shows something."""
        return measures.shown >= self.least_shown

    def logit(self, measures: ScreenMeasures) -> float:
        """Return the logistic's logit."""
        return self.even * measures.even + self.exact * measures.exact + self.intercept

    def catches(self, measures: ScreenMeasures) -> bool:
        """Say whether a picture that measures so looks like a screenshot, a drawing or a scanned text."""
        if self.scan is not None and self.scan.catches(measures):
            return True
        return self.concerns(measures) and self.logit(measures) > 0.0


# Fitted by benchmarks/screen_rates.py on half of the sources. Scans: on 36 made ones (benchmarks/scans.py) and 8,358 photos,
# 1,837 of them distorted (benchmarks/distorted.py); at most 5 of 10,000 are caught. Screens: on 941 pictures of screens and
# 9,826 photos, some made dark, bright, grey, tiny, framed or heavily compressed; at most 2 of 1,000 are caught.
SCAN = ScanRule(printed=9.3, paper=1.7, intercept=-8.2, least_inked=0.02, least_paper=0.9, least_light=0.77)
RULE = ScreenRule(even=11.6, exact=6.3, intercept=-8.8, least_shown=0.02, scan=SCAN)
