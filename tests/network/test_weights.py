"""Weights files: what is written is what is loaded, and nothing else is."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mesorch_cli import __version__
from mesorch_cli.errors import WeightsError
from mesorch_cli.network import store
from mesorch_cli.network.config import MESORCH_P, MESORCH_S
from mesorch_cli.network.header import read_passport
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import Passport, parse_passport
from mesorch_cli.network.weights import load_weights, save_weights
from mesorch_cli.offline import HOME_VARIABLE


@pytest.fixture(scope="module")
def network() -> Mesorch:
    torch.manual_seed(1)
    return Mesorch(MESORCH_S).eval()


def passport(**changes: object) -> Passport:
    return Passport.model_validate(
        {"name": "test", "version": "1", "network": MESORCH_S.to_dict(), "licence": "none"} | changes
    )


@pytest.fixture
def file(tmp_path: Path, network: Mesorch) -> Path:
    save_weights(tmp_path / "test.safetensors", network.state_dict(), passport())
    return tmp_path / "test.safetensors"


def test_round_trip(file: Path, network: Mesorch) -> None:
    loaded = load_weights(file)
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded.network(image), network(image))
    assert loaded.passport.network == MESORCH_S
    assert not loaded.network.training


def test_same_tensors_same_bytes(tmp_path: Path, network: Mesorch) -> None:
    first = save_weights(tmp_path / "a.safetensors", network.state_dict(), passport())
    second = save_weights(tmp_path / "b.safetensors", network.state_dict(), passport())
    assert first == second


def test_half_precision_files_load_as_float32(tmp_path: Path, network: Mesorch) -> None:
    half = {name: t.half() if t.is_floating_point() else t for name, t in network.state_dict().items()}
    save_weights(tmp_path / "h.safetensors", half, passport())
    assert {p.dtype for p in load_weights(tmp_path / "h.safetensors").network.parameters()} == {torch.float32}


def test_one_flipped_bit_is_noticed(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)
    with pytest.raises(WeightsError, match="changed or damaged"):
        load_weights(file)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 100])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match="Cannot read"):
        load_weights(tmp_path / "x.safetensors")


def test_a_missing_file_and_one_without_passport(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="No weights at"):
        load_weights(tmp_path / "none.safetensors")
    save_file({"a": torch.zeros(2)}, tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match="has no passport"):
        load_weights(tmp_path / "bare.safetensors")


def test_the_wrong_networks_tensors_are_named(tmp_path: Path, network: Mesorch) -> None:
    wrong = passport(network=MESORCH_P.to_dict())
    save_weights(tmp_path / "x.safetensors", network.state_dict(), wrong)
    with pytest.raises(WeightsError, match="does not have the tensors of mesorch-p: .* missing"):
        load_weights(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "mesorch.passport/9"},
        {"pixel_threshold": 1.5},
        {"unknown": 1},
        {"inference": {"levels": [{"kind": "whole", "long_side": 3}]}},
        {"score": {"inconclusive_at": 0.9, "evidence_at": 0.1}},
    ],
)
def test_a_passport_of_nonsense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        passport(**changes)


@pytest.mark.parametrize("needed", ["99", "99.1", f"{__version__}.1"])
def test_weights_that_need_a_newer_tool_are_refused(tmp_path: Path, network: Mesorch, needed: str) -> None:
    path = tmp_path / "new.safetensors"
    save_weights(path, network.state_dict(), passport(needs_tool=needed))
    for read in (load_weights, read_passport):
        with pytest.raises(WeightsError, match=f"needs mesorch {needed} or newer, but this is {__version__}"):
            read(path)


def test_a_newer_tool_is_asked_for_before_names_that_only_it_knows() -> None:
    text = passport(needs_tool="99.0").to_json()
    with pytest.raises(WeightsError, match=r"x needs mesorch 99\.0 or newer"):
        parse_passport(text.replace('"licence"', '"from_the_future": 1, "licence"'), "x")
    for needed in ("0.1", __version__):
        assert parse_passport(passport(needs_tool=needed).to_json(), "x").needs_tool == needed
    for nonsense in ('"soon"', '"1.2-beta"', "1", "[]"):
        with pytest.raises(WeightsError, match="needs_tool"):
            parse_passport(text.replace('"99.0"', nonsense), "x")


def test_a_passport_without_a_needed_tool_is_the_text_that_it_was(file: Path) -> None:
    assert "needs_tool" not in passport().to_json()
    assert load_weights(file).passport.needs_tool is None


def test_names_paths_and_recorded_hashes(tmp_path: Path, network: Mesorch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    folder = store.imported_folder()
    folder.mkdir(parents=True)
    path = folder / "mine.safetensors"
    store.record_sum(path, save_weights(path, network.state_dict(), passport(name="mine")))
    assert store.find_weights("mine") == path
    assert "mine" in {weights.name for weights in store.list_weights()}
    with pytest.raises(WeightsError, match="No weights are named 'mime'.*mine"):
        store.find_weights("mime")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(WeightsError, match="SHA256SUMS beside it records"):
        store.find_weights("mine")
