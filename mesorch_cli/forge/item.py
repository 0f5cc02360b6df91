"""One item of a forged dataset: drawn, forged, encoded and described, from (seed, number) alone."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.forge.donors import Donor
from mesorch_cli.forge.encoding import encode_png
from mesorch_cli.forge.framing import framed
from mesorch_cli.forge.life import Life
from mesorch_cli.forge.patch import Step, chance
from mesorch_cli.forge.recipe import FOREIGN, ForgeRecipe, Forgery, forge_photo
from mesorch_cli.forge.sources import ObjectFolder, PhotoFolder, Source

SCHEMA = "mesorch.forge/1"
MOST_REFUSED = 20  # files drawn in vain for one item
OBJECT_HOST_SHARE = 0.55  # of hosts: photos of objects, so that a thing of that kind is not forged wherever it is seen
SMALLEST_LIMIT = 256  # pixels of the longest side


@dataclass(frozen=True)
class ItemSettings:
    """What every item of a dataset shares.

    longest: pixels; larger photos are shrunk or cut to it. object_share: how often a donor is an object with a mask,
    where there are any. Raises UsageError for nonsense.
    """

    seed: int
    longest: int = 1024
    object_share: float = 0.6
    recipe: ForgeRecipe = field(default_factory=ForgeRecipe)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"Seed {self.seed}: expected 0 or more.")
        if self.longest < SMALLEST_LIMIT:
            raise UsageError(f"Longest side {self.longest}: expected at least {SMALLEST_LIMIT} pixels.")
        if not 0 <= self.object_share <= 1:
            raise UsageError(f"Object share {self.object_share}: expected 0 to 1.")


@dataclass(frozen=True)
class Item:
    """One item: its files by their path below the dataset, its line of the manifest, and the files it refused."""

    files: dict[str, bytes]
    line: str
    operation: str
    refused: tuple[tuple[str, str], ...]


def make_item(photos: PhotoFolder, objects: ObjectFolder | None, settings: ItemSettings, number: int) -> Item:
    """Make item `number`; all chance comes from (seed, number), so any process makes the same bytes of it.

    A file that cannot be used is left out, another is drawn, and the item says so. Raises InputError where nothing that
    was drawn could be used.
    """
    rng = np.random.default_rng([settings.seed, number])
    refused: list[tuple[str, str]] = []
    with_hosts = None if objects is None or not objects.photos_alone().paths else objects.photos_alone()
    host = _drawn(rng, with_hosts if with_hosts is not None and chance(rng, OBJECT_HOST_SHARE) else photos, refused)
    from_objects = objects is not None and chance(rng, settings.object_share)
    donor = _drawn(rng, objects if objects is not None and from_objects else photos, refused)
    host_life, donor_life = (Life(rng, source.donor.pixels, source.donor.plane) for source in (host, donor))
    framed(host_life, settings.longest)
    framed(donor_life, settings.longest)
    forgery = forge_photo(rng, _donor(host_life), _donor(donor_life), settings.recipe)
    return _described(number, forgery, (host, host_life.steps), (donor, donor_life.steps), from_objects, refused)


def _drawn(rng: np.random.Generator, folder: PhotoFolder | ObjectFolder, refused: list[tuple[str, str]]) -> Source:
    last: InputError | None = None
    for _ in range(MOST_REFUSED):
        path = folder.paths[int(rng.integers(len(folder.paths)))]
        try:
            return folder.read(path)
        except InputError as error:
            refused.append((path, error.reason))
            last = error
    raise InputError(
        f"{MOST_REFUSED} files drawn from {str(folder.root)!r} in a row cannot be used; the last: {last}",
        reason="no usable photo",
    )


def _donor(life: Life) -> Donor:
    return Donor.with_plane(life.pixels, life.plane)


def _described(
    number: int,
    forgery: Forgery,
    host: tuple[Source, list[Step]],
    donor: tuple[Source, list[Step]],
    from_objects: bool,
    refused: list[tuple[str, str]],
) -> Item:
    stem = f"{number:06d}"
    tampered = forgery.operation != "authentic"
    data = forgery.encoded if forgery.encoded is not None else encode_png(forgery.pixels)
    files = {f"{'Tp' if tampered else 'Au'}/{stem}.{forgery.suffix}": data}
    if tampered:
        files[f"Gt/{stem}.png"] = encode_png(forgery.mask.astype(np.uint8) * 255)
    sources = [_source("host", *host, forgery.host_history)]
    if forgery.donor_history or forgery.operation in FOREIGN:
        sources.append(_source("object" if from_objects else "donor", *donor, forgery.donor_history))
    elif forgery.parameters.get("shape", "").startswith("silhouette"):
        sources.append(_source("silhouette", *donor, ()))
    height, width = forgery.mask.shape
    line: dict[str, Any] = {
        "schema": SCHEMA,
        "item": number,
        "operation": forgery.operation,
        "wanted": forgery.wanted,
        "width": width,
        "height": height,
        "tampered": round(float(forgery.mask.mean()), 6),
        "files": {path: sha256_bytes(content) for path, content in files.items()},
        "sources": sources,
        "parameters": forgery.parameters,
        "history": list(forgery.history),
    }
    if refused:
        line["refused"] = [{"path": path, "reason": reason} for path, reason in refused]
    return Item(files, json.dumps(line, separators=(",", ":")), forgery.operation, tuple(refused))


def _source(role: str, source: Source, framing: list[Step], history: tuple[Step, ...]) -> dict[str, Any]:
    described = {"role": role, "path": source.path, "sha256": source.sha256}
    if source.mask_sha256 is not None:
        described["mask_sha256"] = source.mask_sha256
    return described | {"history": [*framing, *history]}
