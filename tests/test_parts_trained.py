"""An arm of `benchmarks/parts_trained.py` learns without its part: what is silenced stays silent, and the rest changes."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file

from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from tests.training.runs import make_photos, values

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PARTS = ("nothing", "stem", "transformer", "c1+c2", "gate", "spare")
SCALES = MESORCH_S.scales


@pytest.fixture(scope="module")
def trained() -> ModuleType:
    sys.path.insert(0, str(BENCHMARKS))  # as for a script that is started there
    try:
        import parts_trained
    finally:
        sys.path.remove(str(BENCHMARKS))
    return parts_trained


@pytest.fixture(scope="module")
def arms(trained: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, torch.Tensor]]:
    root = tmp_path_factory.mktemp("arms")
    content = values(make_photos(root / "photos"), batch=2, branch_weight=0.2, batch_norm="frozen", network="mesorch-s")
    config = trained.TrainingConfig.model_validate(content | {"data": content["data"] | {"views": 2}})  # type: ignore[operator]
    trained.train(trained.arm_config(config, 2, 0.5), root / "out", PARTS)
    steps = [json.loads(line)["step"] for line in (root / "out" / "stem.jsonl").read_text().splitlines()]
    assert steps == [1, 2]
    return {part: load_file(root / "out" / f"{part}.safetensors") for part in PARTS}


def test_a_part_stays_silent_while_the_rest_learns(arms: dict[str, dict[str, torch.Tensor]]) -> None:
    kernels = [tensors["cnn.stem.weight"] for tensors in arms.values()]
    for place, kernel in enumerate(kernels):  # each learns with another gradient
        assert not any(torch.equal(kernel, other) for other in kernels[:place])
    for part in ("stem", "spare"):
        assert not arms[part]["cnn.trace.norm3.weight"].any()
        assert not arms[part]["cnn.trace.norm3.bias"].any()
    for part in ("gate", "spare"):
        assert not arms[part]["gate.choose.weight"].any()
    for part, shut in (("transformer", ("s1", "s2", "s3")), ("c1+c2", ("c1", "c2"))):
        network = Mesorch(MESORCH_S).eval()
        network.load_state_dict(arms[part])
        with torch.inference_mode():
            weights = network.maps(torch.randn(1, 3, 64, 64))[1]
        assert weights is not None
        assert not weights[:, [scale in shut for scale in SCALES]].any()


def test_what_is_held_names_whole_parts(trained: ModuleType) -> None:
    names = [name for name, _ in Mesorch(MESORCH_S).named_parameters()]
    assert trained.held(MESORCH_S, names, "nothing") == {}
    transformer = trained.held(MESORCH_S, names, "transformer")
    assert {name for name in names if name.startswith("transformer.")} <= transformer.keys()
    assert transformer["gate.choose.weight"] == [SCALES.index(scale) for scale in ("s1", "s2", "s3")]
    spare = trained.held(MESORCH_S, names, "spare")
    assert spare["gate.choose.weight"] is None
    assert not any(name.startswith("cnn.stages.") for name in spare)
