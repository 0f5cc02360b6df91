"""What several rooms share: weights of a tiny input side with random values, and photos to analyse."""

import os
from collections.abc import Callable
from pathlib import Path

# Tests run in as many processes as there are cores; with a pool of threads in each of them they would wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from mesorch_cli.network import store
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import InferenceRule, InputRule, Scale
from mesorch_cli.network.weights import save_weights


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mesorch-s of random values that takes inputs of 64 pixels: results mean nothing, but come fast."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    passport = Passport(
        name="tiny",
        version="test",
        network=MESORCH_S,
        licence="test only",
        input=InputRule(side=64, smallest_photo_side=32),
        inference=InferenceRule(scales=(Scale(kind="whole"), Scale(kind="tiles", long_side=0))),
    )
    path = folder / "tiny.safetensors"
    store.record_sum(path, save_weights(path, Mesorch(MESORCH_S).state_dict(), passport))
    return path


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A photo, (120, 160, 3) uint8 RGB."""
    return cv2.resize(data.astronaut(), (160, 120), interpolation=cv2.INTER_AREA).astype(np.uint8)


@pytest.fixture
def write_photo(tmp_path: Path, astronaut: np.ndarray) -> Callable[..., Path]:
    """Write the astronaut (or other pixels) under a name below a folder of its own; returns the path."""

    def write(name: str, pixels: np.ndarray | None = None) -> Path:
        path = tmp_path / "evidence" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = astronaut if pixels is None else pixels
        ok, encoded = cv2.imencode(path.suffix or ".png", picture[:, :, ::-1])
        assert ok
        path.write_bytes(encoded.tobytes())
        return path

    return write


@pytest.fixture(scope="session")
def real_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of the real tool with pages and PDF, see tests/report/real.py; tests leave it as it is."""
    from tests.report.real import make_case

    return make_case(tmp_path_factory.mktemp("real"))
