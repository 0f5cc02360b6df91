"""Weights with the settings of an analysis: everything in a detector except its device."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mesorch_cli.inference.backends.protocol import Backend
from mesorch_cli.inference.calibration_file import calibrated, read_calibration
from mesorch_cli.inference.loading import Runnable, open_weights
from mesorch_cli.inference.runtime import Runtime
from mesorch_cli.inference.settings import AS_THE_WEIGHTS_SAY, Overrides, Settings
from mesorch_cli.network.passport import WeightsFile


@dataclass(frozen=True)
class Analysis:
    """The parts of a detector. It can travel to another process, and start on several devices."""

    runnable: Runnable
    settings: Settings

    @classmethod
    def load(
        cls,
        weights: str | Path | None = None,
        overrides: Overrides = AS_THE_WEIGHTS_SAY,
        *,
        calibration: Path | None = None,
        public_key: Path | None = None,
        runtime: Runtime = "auto",
    ) -> Self:
        """Read weights once, check those bytes, and determine the settings.

        weights: a name or a file, None for the default. calibration: a file of `mesorch calibrate` made for these
        weights and settings. public_key: a PEM file whose owner must have signed the weights. runtime: of .safetensors
        weights, see `loading`. Raises WeightsError for weights that are missing, damaged or not trusted, UsageError for
        anything else.
        """
        runnable = open_weights(None if weights is None else str(weights), public_key, runtime)
        settings = Settings.from_passport(runnable.weights.passport, overrides)
        if calibration is not None:
            settings = calibrated(settings, runnable.weights.sha256, read_calibration(calibration))
        return cls(runnable, settings)

    @property
    def weights(self) -> WeightsFile:
        """Return the weights' passport, their path, and the SHA-256 of the loaded bytes."""
        return self.runnable.weights

    def start(self, device: str) -> Backend:
        """Return a backend for the weights on a device. Raises UsageError for a missing device."""
        return self.runnable.start(device, self.settings.precision)
