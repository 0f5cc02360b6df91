"""The training files that come with the tool: all of them are read, and the published recipe says what was published."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mesorch_cli.training.config import read_config
from tests.training.runs import config as run_config

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted(path for path in CONFIGS.rglob("*.toml") if path.name != "base.toml")  # no run by itself


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(CONFIGS)) for path in FILES])
def test_every_training_file_is_read(path: Path) -> None:
    config = read_config(path)
    assert config.network == (
        path.stem if path.parent == CONFIGS and path.stem in ("mesorch", "mesorch-p") else "mesorch-s"
    )


@pytest.mark.parametrize("name", ["mesorch", "mesorch-p"])
def test_the_published_recipe(name: str) -> None:
    config = read_config(CONFIGS / f"{name}.toml")
    schedule = config.schedule
    assert (config.batch, config.batch // config.accumulate // 4) == (96, 12)  # four GPUs with twelve samples a pass
    assert schedule.steps == 150 * (7 * 1840 // 4 // 12 // 2)
    assert schedule.warmup_steps == 2 * (7 * 1840 // 4 // 12 // 2)
    assert (schedule.shape, schedule.learning_rate, schedule.least_rate) == ("cosine", 1e-4, 5e-7)
    assert (schedule.weight_decay, schedule.clip_norm, schedule.ema_decay, schedule.backbone_factor) == (0.05, 0, 0, 1)
    assert (config.side, config.dice_weight) == (512, 0)
    assert (config.data.augment, config.data.native_share, config.data.share_forged) == ("published", 0, 0)
    assert config.validation.scales == "whole"


@pytest.mark.parametrize("changes", [{"name": "my run"}, {"name": ""}, {"licence": "x" * 10_001}])
def test_what_no_passport_takes_is_refused_before_the_run(tmp_path: Path, changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        run_config(tmp_path, **changes)
