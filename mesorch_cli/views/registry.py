"""All views, in the order of the page."""

from mesorch_cli.errors import UsageError
from mesorch_cli.views.blocks import Grid, Histograms
from mesorch_cli.views.error_level import ErrorLevel, Ghosts
from mesorch_cli.views.frequency import HighFrequencies, LowFrequencies
from mesorch_cli.views.gradients import Chroma, Luminance
from mesorch_cli.views.noise import NoiseLevel, NoiseResidual
from mesorch_cli.views.thumbnail import Thumbnail
from mesorch_cli.views.view import View
from mesorch_cli.views.zoom import Zoom

VIEWS: tuple[View, ...] = (
    *(ErrorLevel(), Ghosts(), NoiseResidual(), NoiseLevel(), Histograms(), Grid()),
    *(Luminance(), Chroma(), HighFrequencies(), LowFrequencies(), Thumbnail(), Zoom()),
)


def chosen(names: str | None) -> tuple[View, ...]:
    """Return the views in a comma-separated list; None means all. Raises UsageError for an unknown name."""
    if names is None:
        return VIEWS
    wanted = [name.strip() for name in names.split(",")]
    known = {view.name: view for view in VIEWS}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(f"There is no view {unknown[0]!r}. Expected some of {', '.join(known)}, separated by commas.")
    return tuple(view for view in VIEWS if view.name in wanted)
