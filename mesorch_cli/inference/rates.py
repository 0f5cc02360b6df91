"""How often photos of known truth got the verdict of a photo: the rates that belong beside it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from mesorch_cli.inference.exact_interval import exact_interval
from mesorch_cli.inference.recorded_settings import score_values
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.passport import Passport

FITTED_ON = "fit"  # the set from which the score's limits come, so that its rates are too good
MOST_SETS = 20
CALLED: dict[Verdict, tuple[Verdict, ...]] = {  # which verdicts count: this one, or a stronger one
    Verdict.EVIDENCE: (Verdict.EVIDENCE,),
    Verdict.INCONCLUSIVE: (Verdict.INCONCLUSIVE, Verdict.EVIDENCE),
    Verdict.NO_EVIDENCE: (Verdict.NO_EVIDENCE,),
}

Truth = Literal["authentic", "tampered"]


@dataclass(frozen=True)
class Rate:
    """Of `photos` authentic or tampered photos in a set, `called` got one of the `verdicts`.

    set: the name of the measured set. lowest, highest: exact 95 % bounds of the rate, 0..1.
    """

    set: str
    truth: Truth
    verdicts: tuple[Verdict, ...]
    called: int
    photos: int

    @property
    def lowest(self) -> float:
        return exact_interval(self.called, self.photos)[0]

    @property
    def highest(self) -> float:
        return exact_interval(self.called, self.photos)[1]


class _Measured(BaseModel):
    """A passport's figures for one set."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    authentic: int = Field(ge=0, le=10**9)
    tampered: int = Field(ge=0, le=10**9)
    authentic_evidence: float = Field(ge=0.0, le=1.0)
    authentic_inconclusive_or_evidence: float = Field(ge=0.0, le=1.0)
    tampered_evidence: float = Field(ge=0.0, le=1.0)
    tampered_inconclusive_or_evidence: float = Field(ge=0.0, le=1.0)

    def called(self, truth: Truth, verdict: Verdict) -> int:
        """Return how many photos of one truth got this verdict or a stronger one (see CALLED)."""
        photos = self.photos(truth)
        evidence = self.authentic_evidence if truth == "authentic" else self.tampered_evidence
        suspect = (
            self.authentic_inconclusive_or_evidence if truth == "authentic" else self.tampered_inconclusive_or_evidence
        )
        if verdict is Verdict.EVIDENCE:
            return round(evidence * photos)
        suspects = round(suspect * photos)
        return suspects if verdict is Verdict.INCONCLUSIVE else photos - suspects

    def photos(self, truth: Truth) -> int:
        return self.authentic if truth == "authentic" else self.tampered


def measured_rates(passport: Passport, settings: Settings, verdict: Verdict) -> tuple[Rate, ...]:
    """Return the measured rates of a verdict, from sets in the passport that its limits were not fitted on.

    Nothing is returned for a photo that was not analysed, and for settings without measured rates, such as other scales
    or the limits of a calibration.
    """
    if verdict is Verdict.NOT_ANALYSED or not _as_measured(passport, settings):
        return ()
    rates: list[Rate] = []
    for name, figures in list(passport.figures.items())[:MOST_SETS]:
        measured = _measured(figures)
        if name == FITTED_ON or measured is None:
            continue
        truths: tuple[Truth, Truth] = ("authentic", "tampered")
        rates += [
            Rate(name, truth, CALLED[verdict], measured.called(truth, verdict), measured.photos(truth))
            for truth in truths
            if measured.photos(truth)
        ]
    return tuple(rates)


def _as_measured(passport: Passport, settings: Settings) -> bool:
    """Return whether the passport's figures were measured with these scores and limits."""
    measured = Settings.from_passport(passport)
    return settings.score == measured.score and score_values(settings) == score_values(measured)


def _measured(figures: JsonValue) -> _Measured | None:
    try:
        return _Measured.model_validate(figures)
    except ValidationError:  # a passport's figures are free text, and these describe something else
        return None
