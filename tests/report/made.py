"""Records of photos that never were, as parsed from JSON, for reports of any size; and hostile names."""

import hashlib
from collections.abc import Iterator
from typing import Any

from mesorch_cli.report.entry import Entry

TEXT = "<script>document.title='taken'</script>"
HOSTILE = (
    "a/" + TEXT.replace("/", "\\") + ".jpg",
    'b/" onload="alert(1)" x=".jpg',
    "c/new\nline\tand\rreturn.jpg",
    "d/#1 100%?x=1&y=2%20;.jpg",
    "e/back\\slash.jpg",
    "f/turned \u202egpj.exe\u202c.jpg",
    "g/bytes \udcff\udcfe.jpg",
    "h/\u05e9\u05dc\u05d5\u05dd \u0441\u043d\u0438\u043c\u043e\u043a \u5199\u771f \U0001f4f7.jpg",
    "javascript:alert(1)/x.jpg",
    "%2e%2e/it's {{ 7 * 7 }} {% raw %}.jpg",
    "index.html",
    "--quiet",
)
VERDICTS = ((0.898, "evidence of manipulation"), (0.536, "inconclusive"), (0.0, "no evidence found"))
FACTS: dict[str, Any] = {
    "schema": "mesorch.case/1",
    "evidence": "/evidence/disk <1>",
    "settings": {"pixel_threshold": 0.14, "score": {"inconclusive_at": 0.536, "evidence_at": 0.898}},
    "settings_sha256": "5" * 64,
    "weights": {"name": "made", "sha256": "6" * 64, "licence": "test only"},
    "tool": {"name": "mesorch", "version": "0", "torch": "0", "platform": "none"},
    "selection": {"include": [], "exclude": [], "shard": [1, 1]},
    "counts": {},
    "others": {"not a photo": 3},
    "unlisted": [],
}  # fmt: skip


def record(path: str, score: float | None, reason: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return a record; reason: why not analysed. changes: blocks to replace."""
    sha256 = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
    verdict = "not analysed" if score is None else next(word for least, word in VERDICTS if score >= least)
    folder = f"photos/{path}".encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    region = {"x": 10, "y": 20, "width": 30, "height": 40, "area_px": 900, "share": 0.0025, "centroid_x": 25.0}
    made: dict[str, Any] = {
        "schema": "mesorch.record/2",
        "input": {"path": path, "size": 1234, "sha256": sha256, "sha256_after": sha256},
        "decode": {
            "reader": "made", "version": "0", "format": "JPEG", "width": 900, "height": 400, "bits": 8, "pages": 1,
            "orientation": 6, "conversions": [], "integrity": {"ok": True, "findings": []},
        },
        "metadata": {
            "exif": {"main": {"Make": TEXT, "Orientation": 6}}, "software": 'x" onload="alert(1)', "dates": {}, "notes": [],
            "jpeg": {"markers": ["SOI"], "quantisation": {"0": list(range(64))}},
        },
        "provenance": {"status": "not examined"},
        "analysis": None if score is None else {
            "scales": ["whole"], "tiles": 1, "overlap": 0.25, "fusion": {"whole": 1.0}, "precision": "fp32", "device": "cpu",
            "backend": "torch", "coverage": 1.0,
        },
        "result": {
            "score": score, "pooling": "top-mean 0.01", "probability": None, "threshold": 0.14, "verdict": verdict,
            "reason": reason, "regions": [region | {"centroid_y": 40.0, "mean": 0.5, "peak": 0.9}] if score else [],
            "flags": ["score and map disagree"] if score else [], "findings": [], "likelihood_ratio": None,
            "calibration": None,
        },
        "artefacts": [] if score is None else [
            {"role": name.partition(".")[0], "path": f"{folder}/{name}", "sha256": "7" * 64}
            for name in (
                *("overlay.png", "heatmap.png", "mask.png", "panel.png"),
                *("preview.jpg", "preview_overlay.jpg", "thumbnail.jpg", "thumbnail_map.jpg"),
            )
        ],
        "weights": {"name": "made", "sha256": "6" * 64, "licence": "test only"},
        "tool": {"name": "mesorch", "version": "0"},
        "settings": FACTS["settings"],
        "settings_sha256": "5" * 64,
        "argv": ["batch", path, "-o", "case"],
        "timing": {"started_at": "2026-01-02T03:04:05.000+00:00", "read_s": 0.1, "analyse_s": 0.2},
    }  # fmt: skip
    return made | changes


def entry(path: str, values: dict[str, Any], copy_of: str | None = None) -> Entry:
    """Return an entry whose results lie where its name says."""
    return Entry(path, f"photos/{path}", values, copy_of)


def entries(count: int) -> Iterator[Entry]:
    """Yield entries with scores spread over 0..1; every tenth was not analysed, every twentieth failed."""
    for number in range(count):
        path = f"folder {number % 7}/photo {number:06d}.jpg"
        if number % 20 == 19:
            yield entry(path, record(path, None, "unreadable", decode=None, metadata={}))
        elif number % 20 == 9:
            yield entry(path, record(path, None, "too small"))
        else:
            yield entry(path, record(path, number * 7919 % count / count))
