"""Fit when the witness of double quantisation is believed.

usage: fit_quantisation.py FORGED_FROM AUTHENTIC OUT.json [--forged 600] [--authentic 1200] [--seed 1]

FORGED_FROM holds photos, shrunk so that they begin without a JPEG trace: they are saved, a part is exchanged or worked on,
and saved again. AUTHENTIC holds folders of photos as their sources had them; each is taken as it is, saved again, or resized
and saved. Half of both (by the file's place in the list) fit the rule, the other half only measures it. The gate is the
logistic rule whose limit lets at most RATE of the authentic photos through, whichever half has more of them.
"""

import argparse
import io
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from mesorch_cli.forge.encoding import decoded, drawn_settings, encode_jpeg
from mesorch_cli.forge.in_place import KINDS, apply
from mesorch_cli.forge.shapes import place, region
from mesorch_cli.inference.witnesses.blocks import BLOCK
from mesorch_cli.inference.witnesses.quantisation.coefficients import Quantisations, quantisations
from mesorch_cli.inference.witnesses.quantisation.witness import prepared, tellable

RATE = 0.015  # of authentic photos that may pass the gate
INFORMATIVE = 0.9  # pixel AUC from which a forged photo's evidence should be believed
LONGEST = 1280
NOTHING = (0.0, 0.0, 0.0)
SUFFIXES = {".jpg", ".jpeg"}


def of_file(data: bytes) -> tuple[NDArray[np.uint8], Quantisations | None]:
    """Return the pixels of a JPEG and what its coefficients say; None for those without brightness of its own."""
    with Image.open(io.BytesIO(data)) as image:
        if image.format != "JPEG" or image.mode not in ("RGB", "L") or 0 not in image.quantization:
            return np.zeros((1, 1, 3), np.uint8), None
        table = np.array(image.quantization[0], np.int64).reshape(BLOCK, BLOCK)
        pixels = np.asarray(image.convert("RGB"))
    return pixels, quantisations(pixels, table)


def pristine(path: Path, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a photo shrunk so far that no trace of its file is left."""
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    longest = int(min(rng.uniform(0.4, 0.7) * max(rgb.size), LONGEST))
    factor = max(longest, 400) / max(rgb.size)
    size = (max(160, round(rgb.width * factor)), max(160, round(rgb.height * factor)))
    return np.asarray(rgb.resize(size, Image.Resampling.LANCZOS))


def forged(paths: list[Path], index: int, seed: int) -> dict[str, object]:
    """Make one forged JPEG and measure it."""
    rng = np.random.default_rng([seed, index])
    host, donor = pristine(paths[index % len(paths)], rng), pristine(paths[int(rng.integers(len(paths)))], rng)
    first = drawn_settings(rng, 45, 95)
    host = decoded(encode_jpeg(host, first))
    height, width = host.shape[:2]
    mask, _ = region(rng, height, width, float(np.exp(rng.uniform(np.log(0.01), np.log(0.45)))))
    y, x = place(rng, height, width, mask.shape)
    whole = np.zeros((height, width), bool)
    top, left = max(0, y), max(0, x)
    part = mask[top - y : top - y + height - top, left - x : left - x + width - left]
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    if rng.random() < 0.5:
        other = cv2.resize(donor, (width, height), interpolation=cv2.INTER_CUBIC)
        if rng.random() < 0.4:
            other = decoded(encode_jpeg(other, drawn_settings(rng, 45, 95)))
            other = np.roll(other, (int(rng.integers(1, 8)), int(rng.integers(1, 8))), (0, 1))
        kind = "foreign"
    else:
        kind = KINDS[int(rng.integers(len(KINDS)))]
        other = apply(kind, float(rng.uniform(0.2, 1)), host, rng)
    soft = cv2.GaussianBlur(whole.astype(np.float32), (0, 0), float(rng.uniform(0.5, 2)))[..., None]
    made = np.clip(np.rint(host * (1 - soft) + other * soft), 0, 255).astype(np.uint8)
    last = drawn_settings(rng, max(50, first.quality - 15), 98)
    found = of_file(encode_jpeg(made, last))[1]
    result: dict[str, object] = {
        "kind": kind,
        "first": first.quality,
        "last": last.quality,
        "area": float(whole.mean()),
    }
    if found is None:
        return result
    inside = cv2.resize(whole.astype(np.float32), found.evidence.shape[1::-1], interpolation=cv2.INTER_AREA)
    certain = (inside > 0.9) | (inside < 0.1)
    if not 0 < (inside[certain] > 0.5).mean() < 1:
        return result
    auc = roc_auc_score(inside[certain] > 0.5, found.evidence[certain])
    return result | {"features": found.features, "auc": float(auc)}


def authentic(paths: list[Path], index: int, seed: int) -> dict[str, object]:
    """Let one authentic photo live on, or not, and measure it."""
    rng = np.random.default_rng([seed, index, 1])
    path = paths[index % len(paths)]
    life = ("as it is", "as it is", "saved again", "saved twice", "resized")[int(rng.integers(5))]
    data = path.read_bytes()
    try:
        with Image.open(io.BytesIO(data)) as image:
            large = max(image.size) > 3 * LONGEST
            if large or life != "as it is":
                rgb = np.asarray(image.convert("RGB"))
        if large:  # a window on the grid is as good as the whole
            top, left = (int(rng.integers(0, max(1, side - 2 * LONGEST))) // 8 * 8 for side in rgb.shape[:2])
            rgb = np.ascontiguousarray(rgb[top : top + 2 * LONGEST, left : left + 2 * LONGEST])
            life = "saved again" if life == "as it is" else life
        if life == "resized":
            factor = rng.uniform(0.4, 0.95)
            rgb = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        saves = {"as it is": 0, "saved again": 1, "saved twice": 2, "resized": int(rng.integers(1, 3))}[life]
        for _ in range(saves):
            data = encode_jpeg(rgb, drawn_settings(rng, 45, 98))
            rgb = decoded(data)
        found = of_file(data)[1]
    except (OSError, SyntaxError, ValueError):
        return {"kind": "unreadable"}
    return {"kind": life, "path": path.name} | ({} if found is None else {"features": found.features})


def files_of(folder: Path, count: int, rng: np.random.Generator) -> list[Path]:
    """Return so many JPEGs of a folder of folders, of each about as many."""
    groups = [
        sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
        for source in sorted(folder.iterdir())
        if source.is_dir()
    ]
    chosen = [path for group in groups for path in rng.permutation(np.array(group, dtype=object))[: count // 10]]
    return [chosen[index] for index in rng.permutation(len(chosen))[:count]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("forged_from", type=Path)
    parser.add_argument("authentic_in", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--forged", type=int, default=600)
    parser.add_argument("--authentic", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    hosts, clean = files_of(args.forged_from, args.forged, rng), files_of(args.authentic_in, args.authentic, rng)
    with ProcessPoolExecutor(args.workers) as pool:
        made = list(pool.map(partial(forged, hosts, seed=args.seed), range(args.forged), chunksize=8))
        lived = list(pool.map(partial(authentic, clean, seed=args.seed), range(len(clean)), chunksize=8))
    Path(args.out).with_suffix(".rows.json").write_text(json.dumps({"forged": made, "authentic": lived}))
    fit(made, lived, args.out)


def fit(made: list[dict[str, object]], lived: list[dict[str, object]], out: Path) -> None:
    """Fit the gate on every other row, measure on the rest, and write it."""
    rows = [("forged", index, row) for index, row in enumerate(made) if tellable(row.get("features", NOTHING))]
    rows += [("authentic", index, row) for index, row in enumerate(lived) if tellable(row.get("features", NOTHING))]
    x = np.array([prepared(row["features"]) for _, _, row in rows])
    fitting = np.array([index % 2 == 0 for _, index, _ in rows])
    is_forged = np.array([which == "forged" for which, _, _ in rows])
    auc = np.array([row.get("auc", 0.0) for _, _, row in rows])
    wanted = is_forged & (auc > INFORMATIVE)
    clear = ~is_forged | (auc > INFORMATIVE) | (auc < 0.75)
    centre, scale = x[fitting].mean(axis=0), x[fitting].std(axis=0) + 1e-9
    model = LogisticRegression(C=0.3, max_iter=2000).fit(
        ((x - centre) / scale)[fitting & clear], wanted[fitting & clear]
    )
    weights = model.coef_[0] / scale
    intercept = float(model.intercept_[0] - (weights * centre).sum())
    logit = x @ weights + intercept
    halves = [
        np.quantile(logit[~is_forged & part], 1 - RATE * len(lived) / 2 / max(1, (~is_forged & part).sum()))
        for part in (fitting, ~fitting)
    ]
    least = float(max(halves))
    passed = logit > least
    for name, part in (("fitted", fitting), ("measured", ~fitting)):
        count = sum(1 for index, _ in enumerate(lived) if (index % 2 == 0) == (name == "fitted"))
        believed = passed & part & is_forged
        print(
            f"{name}: authentic believed {int((passed & part & ~is_forged).sum())} of {count}; forged believed "
            f"{int(believed.sum())} of {int((part & is_forged).sum())}, of those informative "
            f"{int((believed & wanted).sum())} of {int((wanted & part).sum())}; "
            f"mean AUC of the believed {auc[believed].mean():.3f}"
        )
    rule = {
        "intercept": round(intercept - least, 4),
        "weights": [round(float(value), 4) for value in weights],
    }
    out.write_text(json.dumps(rule, indent=1) + "\n")
    print(json.dumps(rule))


if __name__ == "__main__":
    main()
