"""One run of every command, with every backend, in an order in which each finds what it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from skimage import data

DRIVER = """
import json, sys
from typer.testing import CliRunner
from mesorch_cli.cli.app import app
for words in json.load(sys.stdin):
    result = CliRunner().invoke(app, words)
    print(json.dumps([words[:2], result.exit_code, result.stderr[-500:]]), flush=True)
"""
FORMS = {"torch": "pt2", "onnx": "onnx", "openvino": "xml"}  # of exported weights, with their suffixes


@dataclass(frozen=True)
class Command:
    """A command line without the program's name, and the exit codes that are right for it."""

    words: list[str]
    codes: tuple[int, ...] = (0,)


def every_command(root: Path, weights: Path, forms: Sequence[str] = ("torch",)) -> list[Command]:
    """Fill `root`/evidence and return commands that read it and write below `root`/out.

    forms: of FORMS, those that are exported and analysed with; each takes a minute.
    """
    evidence, out = root / "evidence", root / "out"
    out.mkdir(parents=True)
    photo = cv2.resize(data.astronaut(), (160, 120), interpolation=cv2.INTER_AREA)
    _set(evidence / "set", photo)
    _grades(evidence)
    cv2.imwrite(str(evidence / "photo.jpg"), photo[..., ::-1])
    training = evidence / "run.toml"
    training.write_text(
        "side = 64\nbatch = 2\n[schedule]\nsteps = 1\nwarmup_steps = 0\n[data]\n"
        f'photos = [{{folder = "{evidence / "rough"}"}}]\nvalidation_photos = [{{folder = "{evidence / "smooth"}"}}]\n'
    )
    one, case, own = str(evidence / "photo.jpg"), str(out / "case"), str(weights)
    grades = ["--authentic", str(evidence / "rough"), "--tampered", str(evidence / "smooth"), "--fpr", "0.2"]
    commands = [
        Command(["info"]),
        Command(["weights", "list"]),
        Command(["weights", "info", own]),
        Command(["weights", "verify", own]),
        Command(["weights", "import", one], (5,)),  # refused, as it is no weights file; that needs no network either
        Command(["detect", one, "-w", own, "-o", str(out / "detected")]),
        Command(["explain", one, "-w", own, "-o", str(out / "explained")]),
        Command(["views", one, "-o", str(out / "views"), "--zoom", "8,8,16,16"]),
        Command(["evaluate", str(evidence / "set"), "-w", own, "-o", str(out / "figures"), "--bootstrap", "20"]),
        # Random weights may tell nothing apart: then 3.
        Command(["calibrate", *grades, "-w", own, "-o", str(out / "c.json"), "-q", "--keep-pooling"], (0, 3)),
        Command(
            ["probe", str(evidence / "rough"), "-w", own, "-o", str(out / "probes"), "-n", "3", "--side", "192", "-q"],
            (0, 3),
        ),
        Command(["forge", str(evidence / "set" / "authentic"), str(out / "forged"), "-n", "1", "--workers", "1"]),
        Command(["bench", "--side", "64", "--rounds", "2", "--threads", "1"]),
        Command(["batch", str(evidence / "set" / "authentic"), "-w", own, "-o", case]),
        Command(["verify", case]),
        Command(["case", "sign", case, "--key", one], (2,)),  # a photo is no key
        Command(["rerun", str(out / "case" / "photos" / "1.jpg" / "record.json"), "-w", own]),
        Command(["report", case, "--pdf"]),
        Command(["case", "merge", case, "-o", str(out / "joined")]),
        Command(["train", str(training), "-o", str(out / "run"), "--check"]),
    ]
    for form in forms:
        suffix = FORMS[form]
        made = str(out / f"tiny.{suffix}")
        commands += [
            Command(["export", "-w", own, "-o", made, "--format", form]),
            Command(["weights", "verify", made]),
            Command(["detect", one, "-w", made, "-o", str(out / suffix)]),
            Command(["batch", str(evidence / "set" / "authentic"), "-w", made, "-o", str(out / f"case {suffix}")]),
        ]
    return commands


def _set(root: Path, photo: np.ndarray) -> None:
    for name in ("image", "mask", "authentic"):
        (root / name).mkdir(parents=True)
    mask = np.zeros((120, 160), np.uint8)
    mask[20:60, 30:90] = 255
    forged = np.where(mask[..., None] > 0, np.roll(photo, 30, axis=1), photo)
    for name, picture in (("image/0.png", forged[..., ::-1]), ("mask/0.png", mask), ("authentic/1.jpg", photo)):
        assert cv2.imwrite(str(root / name), picture)


def _grades(root: Path) -> None:
    rng = np.random.default_rng(0)
    for name, blur in (("rough", 0.1), ("smooth", 6.0)):
        (root / name).mkdir()
        for number in range(20):
            noise = cv2.GaussianBlur(rng.integers(0, 256, (64, 80, 3), dtype=np.uint8), (0, 0), blur)
            assert cv2.imwrite(str(root / name / f"{number}.png"), noise)
