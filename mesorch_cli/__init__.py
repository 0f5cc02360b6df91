"""Find where a photo was manipulated: localisation map, image score and a repeatable record, offline."""

from mesorch_cli.offline import go_offline

__version__ = "0.1.0"

go_offline()
