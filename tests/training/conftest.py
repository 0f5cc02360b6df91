"""Photos that every test of training draws from."""

from pathlib import Path

import pytest

from tests.training.runs import make_photos


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"))
