"""Tiny training runs: photos to forge from, photos with masks, and the training file that names them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from mesorch_cli.training.config import TrainingConfig

PHOTOS = {"train": ("astronaut", "coffee"), "validation": ("chelsea", "rocket")}
SIZE = (220, 200)  # width, height
SPOT = np.s_[60:140, 70:150]


def make_photos(root: Path) -> Path:
    """Write `train` and `validation` folders of photos to forge from."""
    for folder, names in PHOTOS.items():
        (root / folder).mkdir(parents=True)
        for name in names:
            picture = cv2.resize(getattr(data, name)(), SIZE, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(root / folder / f"{name}.png"), picture[:, :, ::-1])
    return root


def make_pairs(root: Path, names: tuple[str, ...], *, seed: int = 0) -> Path:
    """Write a folder with `Tp` and `Gt`: noise with a smooth spot, which the mask marks."""
    rng = np.random.default_rng([seed, *map(ord, root.name)])
    for folder in ("Tp", "Gt"):
        (root / folder).mkdir(parents=True)
    for name in names:
        picture = rng.integers(0, 256, (*SIZE[::-1], 3), dtype=np.uint8)
        picture[SPOT] = cv2.GaussianBlur(picture, (0, 0), 4)[SPOT]
        mask = np.zeros(SIZE[::-1], np.uint8)
        mask[SPOT] = 255
        cv2.imwrite(str(root / "Tp" / f"{name}.png"), picture)
        cv2.imwrite(str(root / "Gt" / f"{name}.png"), mask)
    return root


def values(photos: Path, **changes: object) -> dict[str, object]:
    """Return a training file's values: four steps of four samples at 64 pixels."""
    plain: dict[str, object] = {
        "data": {
            "photos": [{"folder": str(photos / "train")}],
            "validation_photos": [{"folder": str(photos / "validation")}],
            "working_side": 160,
            "validation_count": 3,
        },
        "schedule": {"steps": 4, "warmup_steps": 1, "learning_rate": 1e-3},
        "validation": {"scales": "whole"},
        "side": 64,
        "batch": 4,
        "precision": "fp32",
        "threads": 1,
        "workers": 0,
        "checkpoint_every": 2,
        "validate_every": 100,
    }
    return plain | changes


def config(photos: Path, **changes: object) -> TrainingConfig:
    return TrainingConfig.model_validate(values(photos, **changes))


def toml(value: object) -> str:
    """Write a value as TOML: tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def write_toml(path: Path, content: dict[str, object]) -> Path:
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in content.items()))
    return path


def start(*words: str, processes: int | None = None) -> subprocess.Popen[str]:
    """Start `mesorch train` as a shell would, under torchrun if several processes are wanted."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes else []
    command = [sys.executable, *launcher, "-m", "mesorch_cli", "train", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def metrics(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def losses(folder: Path) -> list[float]:
    return [float(str(line["loss"])) for line in metrics(folder) if "loss" in line]
