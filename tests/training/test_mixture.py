"""What a step is fed: shares as stated, files as their masks say, and the same samples however they are divided."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.network.normalise import normalise
from mesorch_cli.training.files import FileSamples
from mesorch_cli.training.mixture import Division, PassItems, Samples, collate
from tests.training.runs import SPOT, config, make_pairs


@given(size=st.integers(1, 4), processes=st.integers(1, 4), passes=st.integers(1, 4), step=st.integers(0, 1000))
def test_processes_and_passes_divide_a_step_among_them(size: int, processes: int, passes: int, step: int) -> None:
    items = size * processes * passes
    seen = [
        item
        for rank in range(processes)
        for part in Division(items, processes, rank, passes).passes_of(step)
        for item in part
    ]
    assert seen == list(range(step * items, (step + 1) * items))


def test_what_does_not_divide_is_refused() -> None:
    with pytest.raises(UsageError, match="6 items .* for 4 processes"):
        Division(6, processes=4)


def test_a_loader_goes_on_at_any_step() -> None:
    division = Division(4, passes=2)
    whole, rest = list(PassItems(division, 0, 5)), list(PassItems(division, 3, 5))
    assert whole[6:] == rest
    assert len(PassItems(division, 3, 5)) == len(rest)


def test_photos_are_forged_in_the_ways_that_the_file_names(photos: Path) -> None:
    plain = config(photos).data.model_dump(exclude_none=True)
    settings = config(photos, data=plain | {"operations": {"in_place": 0.75, "authentic": 0.25}})
    samples = Samples(settings)
    assert samples.forged is not None
    made = [samples.forged.made(index).forgery.wanted for index in range(24)]
    assert set(made) == {"in_place", "authentic"}
    assert made.count("in_place") > made.count("authentic")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pairs")
    make_pairs(root / "small", ("a",))
    make_pairs(root / "large", tuple("bcdefgh"))
    (root / "clean.json").write_text(json.dumps([["small/Tp/a.png", "Negative"]]))
    return root


def data(pool: Path, pairs: Path, **changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "files": [{"path": str(pairs / "small"), "share": 3.0}, {"path": str(pairs / "large")}],
        "validation_photos": [{"folder": str(pool / "validation")}],
        "augment": "none",
        "native_share": 0.0,
    }
    return plain | changes


def test_sets_are_drawn_by_their_shares_and_photos_evenly(photos: Path, pairs: Path) -> None:
    settings = config(photos, data=data(photos, pairs)).data
    samples = FileSamples(settings, side=64, seed=1, length=1)
    rng = np.random.default_rng(0)
    drawn = [samples.draw(rng).photo for _ in range(4000)]
    assert sum(path.parent.parent.name == "small" for path in drawn) / 4000 == pytest.approx(0.75, abs=0.03)
    assert sum(path.stem == "c" for path in drawn) / 4000 == pytest.approx(0.25 / 7, abs=0.015)


def test_a_pair_reaches_the_network_squashed_and_normalised(photos: Path, pairs: Path) -> None:
    settings = config(photos, data=data(photos, pairs, files=[{"path": str(pairs / "small")}])).data
    batch = FileSamples(settings, side=64, seed=1, length=1)[0]
    pixels = cv2.imread(str(pairs / "small" / "Tp" / "a.png"))[:, :, ::-1]
    small = cv2.resize(np.ascontiguousarray(pixels), (64, 64), interpolation=cv2.INTER_LINEAR)
    assert batch.images.shape == (2, 3, 64, 64)
    assert torch.equal(batch.images[0], torch.from_numpy(normalise(small)))
    truth = np.zeros((200, 220), np.float32)
    truth[SPOT] = 1
    assert np.array_equal(batch.masks[0, 0].numpy(), cv2.resize(truth, (64, 64), interpolation=cv2.INTER_NEAREST))
    assert batch.names == (str(pairs / "small" / "Tp" / "a.png"),) * 2


def test_negative_means_authentic(photos: Path, pairs: Path) -> None:
    settings = config(photos, data=data(photos, pairs, files=[{"path": str(pairs / "clean.json")}])).data
    assert not FileSamples(settings, side=64, seed=1, length=1)[0].masks.any()


def test_forged_and_filed_samples_mix_as_stated_and_take_nothing_from_each_other(photos: Path, pairs: Path) -> None:
    mixed = Samples(
        config(
            photos,
            data=data(photos, pairs, photos=[{"folder": str(photos / "train")}], forged_share=0.3, working_side=160),
            schedule={"steps": 1000, "warmup_steps": 0},
        )
    )
    kinds = [mixed.is_forged(index) for index in range(len(mixed))]
    assert sum(kinds) / len(kinds) == pytest.approx(0.3, abs=0.04)
    alone = Samples(
        config(
            photos,
            data=data(photos, pairs, files=[], photos=[{"folder": str(photos / "train")}], working_side=160),
        )
    )
    index = kinds.index(True)
    assert torch.equal(mixed[index].images, alone[index].images)
    assert " of " in mixed[index].names[0]


def test_samples_depend_on_seed_and_index_alone_whatever_the_workers(photos: Path, pairs: Path) -> None:
    settings = config(photos, data=data(photos, pairs, augment="published"), schedule={"steps": 2, "warmup_steps": 0})
    here = [batch.images for batch in DataLoader(Samples(settings), batch_size=1, collate_fn=collate)]
    samples = Samples(settings)
    samples[3]
    again = [samples[index].images for index in (3, 2, 1, 0)][::-1]
    assert all(torch.equal(one, other) for one, other in zip(here, again, strict=True))
    assert len({one.numpy().tobytes() for one in here}) == len(here)
    other = Samples(settings.model_copy(update={"seed": 9}))
    assert not torch.equal(other[0].images, here[0])


def test_a_photo_that_breaks_off_is_named(photos: Path, pairs: Path, tmp_path: Path) -> None:
    make_pairs(tmp_path / "set", ("broken",))
    path = tmp_path / "set" / "Tp" / "broken.png"
    path.write_bytes(path.read_bytes()[:9000])
    settings = config(photos, data=data(photos, pairs, files=[{"path": str(tmp_path / "set")}])).data
    with pytest.raises(InputError, match="broken.png"):
        FileSamples(settings, side=64, seed=1, length=1)[0]
