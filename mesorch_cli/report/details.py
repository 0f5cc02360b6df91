"""What a lab says of its own case: it stands on every page and in the document for print, as it was given."""

from dataclasses import dataclass

from mesorch_cli.errors import UsageError

LONGEST = 200  # characters of each


@dataclass(frozen=True)
class CaseDetails:
    """Case number, agency and examiner, None for what was not given. Raises UsageError for an empty or endless text."""

    case_number: str | None = None
    agency: str | None = None
    examiner: str | None = None

    def __post_init__(self) -> None:
        for name, text in vars(self).items():
            if text is not None and not 0 < len(text.strip()) <= LONGEST:
                option = f"--{name.replace('_', '-')}"
                raise UsageError(
                    f"{option} has {len(text)} characters; expected a text of 1 to {LONGEST}. Shorten it, or leave it out."
                )

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return (name, text) of what was given."""
        return tuple(
            (name.replace("_", " ").capitalize(), text) for name, text in vars(self).items() if text is not None
        )


NO_DETAILS = CaseDetails()
