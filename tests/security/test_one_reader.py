"""Photos of the user's own sets: every command reads them in a process of their own, and a deadly one costs itself alone."""

import ast
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mesorch_cli.errors import InputError
from mesorch_cli.evaluation.calibration_study import score_folders
from mesorch_cli.evaluation.datasets import Sample, read_folders
from mesorch_cli.evaluation.entrants import NetworkEntrant
from mesorch_cli.evaluation.evaluator import Evaluator
from mesorch_cli.evaluation.inspection import inspect
from mesorch_cli.evaluation.masks import MaskRule, read_mask
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evidence.isolation import isolated_reader
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.export.photos import folder_photos
from mesorch_cli.forge.dataset import ForgedDataset
from mesorch_cli.forge.item import ItemSettings
from mesorch_cli.forge.pools import Pools
from mesorch_cli.forge.recipe import ForgeRecipe
from mesorch_cli.forge.sources import ObjectFolder, PhotoFolder
from mesorch_cli.inference.detection import not_analysed
from mesorch_cli.training.checks import check_rasters
from mesorch_cli.training.config import Data
from mesorch_cli.training.samples import ForgedSamples

from .dying import bytes_of, deadly

__all__ = ["deadly"]
PACKAGE = Path(__file__).parents[2] / "mesorch_cli"
CRASHED = "decoder crashed"


@dataclass
class Settings:
    score: Any = None


class Engine:
    """Stands for a detector: it looks at nothing, and counts what it was shown."""

    settings = Settings()

    def __init__(self) -> None:
        self.shown = 0
        self.backend = type("Backend", (), {"name": "none", "device": "cpu"})()

    def without_edges(self) -> "Engine":
        return self

    def detect(self, *_: object, **__: object) -> object:
        self.shown += 1
        return not_analysed("featureless")


@pytest.fixture
def folders(tmp_path: Path, deadly: str) -> Path:
    """Folders `Tp`, `Gt` and `Au` with three photos each, of which one kills its decoder."""
    for folder in ("Tp", "Gt", "Au"):
        (tmp_path / folder).mkdir()
        for number, name in enumerate(("one", "two", deadly)):
            seed = [number, folder == "Au"]
            picture = np.random.default_rng(seed).integers(0, 256, (120, 130, 3), dtype=np.uint8)
            if folder == "Gt":
                picture = (picture[..., 0] > 127).astype(np.uint8) * 255
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture)
    return tmp_path


def test_only_the_room_of_evidence_reads_in_its_own_process() -> None:
    """Arrows to the reader without a process of its own: none from outside of the room."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "evidence" in path.relative_to(PACKAGE).parts:
            continue
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert "read_photo" not in names, path


def test_evaluation(folders: Path, deadly: str) -> None:
    dataset = read_folders(folders / "Tp", folders / "Gt", folders / "Au")
    engine = Engine()
    evaluator = Evaluator(NetworkEntrant("engine", "", engine), Protocol("native"))  # type: ignore[arg-type]
    rows = [row for row, _ in evaluator.run(dataset.samples, {})]
    assert engine.shown == 4
    assert sorted(row.reason or "" for row in rows if row.photo.startswith(deadly)) == [CRASHED, f"mask: {CRASHED}"]
    assert {row.status for row in rows if not row.photo.startswith(deadly)} == {"not analysed"}
    found = inspect([dataset])
    assert found.photos == 6
    assert [one.what for one in found.findings] == [f"photo: {CRASHED}"] * 2


def test_calibration(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesorch_cli.evaluation.calibration_study.refuse_too_few", lambda *_: None)
    engine = Engine()
    _, lost = score_folders(engine, folders / "Au", folders / "Tp", 0.05)  # type: ignore[arg-type]
    assert sum(line.endswith(CRASHED) for line in lost) == 2
    assert engine.shown == 4


def test_export(folders: Path) -> None:
    assert sorted(folder_photos(folders / "Au")) == ["one.png", "two.png"]


@pytest.mark.parametrize("where", ["photos", "objects", "cut-outs"])
def test_forging(folders: Path, deadly: str, where: str) -> None:
    objects = None
    if where != "photos":
        (folders / "Au" / f"{deadly}.png").unlink()
        root = folders / "objects"
        root.mkdir()
        for path in sorted((folders / "Tp").iterdir()):
            picture, mask = cv2.imread(str(path)), cv2.imread(str(folders / "Gt" / path.name), cv2.IMREAD_GRAYSCALE)
            if where == "cut-outs":
                cv2.imwrite(str(root / path.name), np.dstack([picture, mask]))
            else:
                cv2.imwrite(str(root / f"{path.stem}.jpg"), picture)
                cv2.imwrite(str(root / path.name), mask)
        objects = ObjectFolder.of(root)
    pools = Pools.of(PhotoFolder.of(folders / "Au"), objects)
    dataset = ForgedDataset(pools, ItemSettings(seed=0), folders / f"out-{where}", resume=False)
    made = dataset.make(8)
    assert sum(made.operations.values()) == 8
    assert {reason for _, reason in made.refused} == {CRASHED}


def test_training(folders: Path, deadly: str) -> None:
    data = Data.model_validate(
        {
            "photos": [{"folder": str(folders / "Au")}],
            "validation_photos": [{"folder": str(folders / "Au")}],
            "working_side": 128,
        }
    )
    samples = ForgedSamples(data, side=48, seed=1, length=8, recipe=ForgeRecipe())
    batches = [samples[index] for index in range(6)]
    (sentence,) = [sentence for batch in batches for sentence in batch.refused]  # said once
    assert deadly in sentence
    assert "signal 11" in sentence
    assert not any(deadly in name for batch in batches for name in batch.names)
    again = ForgedSamples(data, side=48, seed=1, length=8, recipe=ForgeRecipe())[5]
    assert np.array_equal(again.images.numpy(), batches[5].images.numpy())  # whatever was refused before
    with pytest.raises(InputError, match=f"cannot be read.*{deadly}.*signal 11"):
        check_rasters([read_folders(folders / "Tp", folders / "Gt", None)], MaskRule())


def test_masks(folders: Path, deadly: str) -> None:
    path = folders / "Gt" / f"{deadly}.png"
    with pytest.raises(InputError, match="signal 11") as caught:
        read_mask(path)
    assert caught.value.reason == f"mask: {CRASHED}"
    assert read_mask(folders / "Gt" / "one.png").tampered.any()


def test_workers_are_used_again(folders: Path) -> None:
    reader = process_reader()
    assert process_reader() is reader
    for _ in range(3):
        for name in ("one", "two"):
            reader.read(folders / "Au" / f"{name}.png")
    (worker,) = reader._idle
    assert worker.count == 6


def test_a_forked_process_has_a_reader_of_its_own(folders: Path) -> None:
    ours = process_reader()
    ours.read(folders / "Au" / "one.png")
    child = os.fork()
    if not child:
        os._exit(0 if process_reader() is not ours else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert ours.read(folders / "Au" / "two.png").decode.width == 130


def test_a_worker_that_was_killed_between_photos_is_the_loss_of_one(folders: Path) -> None:
    sample = Sample(bytes_of(folders / "Au" / "one.png", "third"), None)
    reader = process_reader()
    reader.read(sample.photo)
    os.kill(reader._idle[0]._process.pid, signal.SIGKILL)
    with pytest.raises(InputError, match="signal 9"):
        reader.read(sample.photo)
    assert reader.read(sample.photo).decode.integrity.ok
    assert isolated_reader.SUPPORTED
