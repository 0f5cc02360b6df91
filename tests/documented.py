"""The command lines that README, docs and help show, and a folder in which they find what they speak of."""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from skimage import data

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "weights/mesorch-s.md", "examples/README.md")
STARTS = ("mesorch ", "$ mesorch ", "find ", "python ", "torchrun ", ".venv-onnx/bin/mesorch ")
SIDE = (160, 120)  # width and height of the photos here
CLEAN, FORGED = 60, 30  # photos of each kind that a calibration asks for


@dataclass(frozen=True)
class Line:
    """A command line as it is shown, without its comment, and the page that shows it."""

    page: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


def documented_lines() -> list[Line]:
    """Return every command line in a block of code, and the example of every command's help, in the order of the pages."""
    pages = [ROOT / name for name in PAGES] + sorted((ROOT / "docs").glob("*.md"))
    lines = [Line(path.relative_to(ROOT).as_posix(), text) for path in pages for text in _lines(path)]
    return list(dict.fromkeys(lines))


def _lines(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith(STARTS):
                yield re.split(r"\s{2,}", line.removeprefix("$ "))[0].strip()
        for example in re.findall(r"^\s*Example: (mesorch .*?)(?:\n\s*\n|\Z)", block, re.MULTILINE | re.DOTALL):
            yield " ".join(example.split())


def words_of(text: str, folder: Path, *, patterns: bool = True) -> list[str]:
    """Return the words of a command line; with `patterns`, names of files for patterns, as a shell has it without quotes."""
    words: list[str] = []
    for word in shlex.split(text):
        found = sorted(path.name for path in folder.glob(word)) if patterns and "*" in word else []
        words += found or [word]
    return words


def freed(words: list[str], folder: Path) -> None:
    """Remove what a line would write, where a line of another page has written it: each page begins for itself."""
    named = [words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-o", "--output")]
    for name in named + (words[3:4] if words[1] == "forge" else []):
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def fill(folder: Path, weights: Path) -> None:
    """Write what the pages speak of: photos, sets, keys, training files, weights of one's own."""
    folder.mkdir(parents=True)
    photo = cv2.resize(data.astronaut(), SIDE, interpolation=cv2.INTER_AREA)[..., ::-1]
    mask = np.zeros(SIDE[::-1], np.uint8)
    mask[20:60, 30:90] = 255
    forged = np.where(mask[..., None] > 0, np.roll(photo, 30, axis=1), photo)
    for name in ("photo.jpg", "photo.tif", "evidence/x.jpg", "evidence/phone/splice.jpg"):
        _write(folder / name, forged if "splice" in name else photo)
    for number in (2, 4):  # names that fall into the shares of which the pages speak, which would be empty without them
        _write(folder / "evidence" / "mail" / f"IMG_{number}.jpg", photo)
    for number in range(2):
        _write(folder / "tampered" / f"{number}.png", forged)
        _write(folder / "masks" / f"{number}.png", mask)
        _write(folder / "photos" / f"{number}.png", np.roll(photo, 20 * number, axis=1))
    rng = np.random.default_rng(0)
    for kind, blur, count in (("clean", 6.0, CLEAN), ("forged", 0.1, FORGED)):  # so random weights tell them apart
        for number in range(count):
            noise = cv2.GaussianBlur(rng.integers(0, 256, (64, 80, 3), dtype=np.uint8), (0, 0), blur)
            _write(folder / kind / f"{number}.png", noise)
    for name, source in (("authentic", "clean"), ("known/authentic", "clean"), ("known/tampered", "forged")):
        shutil.copytree(folder / source, folder / name)
    _write(folder / "cutouts" / "thing.png", np.dstack([photo, mask]))
    shutil.copytree(ROOT / "configs", folder / "configs")
    quick = folder / "configs" / "quick.toml"  # the same run, shorter: docs/training.md shows the whole of it
    text = quick.read_text(encoding="utf-8")
    for key, value in (("steps", 2), ("warmup_steps", 1), ("validate_every", 2), ("validation_count", 2)):
        text, found = re.subn(rf"^{key} = \d+$", f"{key} = {value}", text, flags=re.MULTILINE)
        assert found == 1, key
    quick.write_text(text, encoding="utf-8")
    shutil.copy(weights, folder / "mine.safetensors")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "public.pem").write_bytes(public)


def _write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
