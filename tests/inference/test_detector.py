"""A detector: what it refuses, how it starts, and what it tells on the way."""

from pathlib import Path

import numpy as np
import pytest

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.backends import choose_device
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import Verdict
from tests.inference.networks import NATIVE, WHOLE, Pixelwise, noise, settings


@pytest.mark.parametrize("value", [0, 255, 128])
def test_a_flat_photo_is_refused_as_featureless(value: int) -> None:
    detection = Detector(Pixelwise(), settings()).detect(np.full((100, 80, 3), value, np.uint8))
    assert detection.verdict is Verdict.NOT_ANALYSED
    assert detection.reason == "featureless"
    assert detection.map is None


def test_progress_counts_every_tile() -> None:
    calls: list[tuple[int, int]] = []
    detection = Detector(Pixelwise(), settings(scales=(WHOLE, NATIVE))).detect(
        noise(100, 100), lambda done, total: calls.append((done, total))
    )
    assert calls == [(index + 1, detection.tiles) for index in range(detection.tiles)]


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "tpu", "cpu:3", "cuda:"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(UsageError, match=device):
        choose_device(device)


def test_a_network_that_is_still_starting_gives_the_same_detection(tiny_weights: Path) -> None:
    analysis, pixels = Analysis.load(tiny_weights), noise(120, 150)
    at_once, started = Detector.starting(analysis, "cpu").detect(pixels), Detector.of(analysis, "cpu").detect(pixels)
    assert at_once.map is not None
    assert np.array_equal(at_once.map, started.map)
    assert (at_once.verdict, at_once.score) == (started.verdict, started.score)


def test_what_a_start_refuses_is_said_where_the_network_is_needed(tiny_weights: Path) -> None:
    starting = Detector.starting(Analysis.load(tiny_weights), "abacus")
    with pytest.raises(UsageError, match="abacus"):
        starting.detect(noise(120, 150))
