"""One item of a forged dataset or of training: drawn, forged, encoded and described from (seed, number) alone."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mesorch_cli.errors import UsageError
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.forge.donors import Donor
from mesorch_cli.forge.encoding import encode_png
from mesorch_cli.forge.framing import framed
from mesorch_cli.forge.life import Life
from mesorch_cli.forge.patch import Step, chance
from mesorch_cli.forge.photos import SoundPhotos
from mesorch_cli.forge.pools import Pools, Refused
from mesorch_cli.forge.recipe import FOREIGN, SHORTEST_HOST, ForgeRecipe, Forgery, forge_photo, forge_twins
from mesorch_cli.forge.sources import Source

SCHEMA = "mesorch.forge/1"
SMALLEST_LIMIT = 128  # pixels of the longest side


@dataclass(frozen=True)
class ItemSettings:
    """Settings shared by all items of a dataset.

    longest: pixels; larger photos are shrunk or cropped to it. object_share: how often a donor is an object with a
    mask, if there are any. object_host_share: how often the host is a photo of such an object, so that such objects are
    not always forged. Raises UsageError for invalid values.
    """

    seed: int
    longest: int = 1024
    object_share: float = 0.6
    object_host_share: float = 0.7
    recipe: ForgeRecipe = field(default_factory=ForgeRecipe)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"The seed {self.seed} is negative. Expected 0 or more.")
        if self.longest < SMALLEST_LIMIT:
            raise UsageError(
                f"A longest side of {self.longest} is too small. Expected {SMALLEST_LIMIT} pixels or more."
            )
        for share in (self.object_share, self.object_host_share):
            if not 0 <= share <= 1:
                raise UsageError(f"The object share {share} is out of range. Expected 0 to 1.")


@dataclass(frozen=True)
class Item:
    """One item: its files by path below the dataset, its line in the manifest, and the files it refused."""

    files: dict[str, bytes]
    line: str
    operation: str
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Drawn:
    """The sources of an item: host and donor as read, and the histories that bring both to size.

    from_objects: whether the donor is from the pool of objects. refused: drawn files that could not be used.
    """

    host: Source
    donor: Source
    host_life: Life
    donor_life: Life
    from_objects: bool
    refused: tuple[Refused, ...]

    @property
    def photos(self) -> tuple[Donor, Donor]:
        """Return host and donor at the working size."""
        host, donor = self.host_life, self.donor_life
        return Donor.with_plane(host.pixels, host.plane), Donor.with_plane(donor.pixels, donor.plane)


@dataclass(frozen=True)
class Made:
    """A forgery, its sources, and its unedited twin if wanted (itself, if it is authentic)."""

    forgery: Forgery
    twin: Forgery | None
    drawn: Drawn


def stream(settings: ItemSettings, number: int) -> np.random.Generator:
    """Return the generator of all randomness in item `number`."""
    return np.random.default_rng([settings.seed, number])


def draw_sources(rng: np.random.Generator, pools: Pools, settings: ItemSettings, photos: SoundPhotos) -> Drawn:
    """Draw a host and a donor of at most `longest` pixels a side.

    A file that cannot be used is left out, and another one is drawn. Raises InputError if no drawn file could be used.
    """
    refused: list[Refused] = []
    hosts = None if pools.objects is None else pools.objects.whole_photos
    of_objects = hosts is not None and chance(rng, settings.object_host_share)
    host = (hosts if hosts is not None and of_objects else pools.photos).draw(rng, photos, refused)
    from_objects = pools.objects is not None and chance(rng, settings.object_share)
    given = pools.objects if pools.objects is not None and from_objects else pools.photos
    donor = given.draw(rng, photos, refused)
    host_life, donor_life = (Life(rng, source.donor.pixels, source.donor.plane) for source in (host, donor))
    framed(host_life, settings.longest, shortest=SHORTEST_HOST)
    framed(donor_life, settings.longest, shortest=SHORTEST_HOST)
    return Drawn(host, donor, host_life, donor_life, from_objects, tuple(refused))


def forge_item(
    pools: Pools, settings: ItemSettings, number: int, photos: SoundPhotos, *, with_twin: bool = False
) -> Made:
    """Forge item `number`. All randomness comes from (seed, number), so any process makes the same pixels.

    The forgery is the same with or without its twin. Raises as `draw_sources` does.
    """
    rng = stream(settings, number)
    drawn = draw_sources(rng, pools, settings, photos)
    if with_twin:
        return Made(*forge_twins(rng, *drawn.photos, settings.recipe), drawn)
    return Made(forge_photo(rng, *drawn.photos, settings.recipe), None, drawn)


def make_item(pools: Pools, settings: ItemSettings, number: int, photos: SoundPhotos) -> Item:
    """Make the files of item `number` and its line in the manifest, which also names refused files.

    Raises as `draw_sources` does.
    """
    made = forge_item(pools, settings, number, photos)
    return _described(number, made.forgery, made.drawn)


def _described(number: int, forgery: Forgery, drawn: Drawn) -> Item:
    stem = f"{number:06d}"
    tampered = forgery.operation != "authentic"
    data = forgery.encoded if forgery.encoded is not None else encode_png(forgery.pixels)
    files = {f"{'Tp' if tampered else 'Au'}/{stem}.{forgery.suffix}": data}
    if tampered:
        files[f"Gt/{stem}.png"] = encode_png(forgery.mask.astype(np.uint8) * 255)
    donor = drawn.donor, drawn.donor_life.steps
    sources = [_source("host", drawn.host, drawn.host_life.steps, forgery.host_history)]
    if forgery.donor_history or forgery.operation in FOREIGN:
        sources.append(_source("object" if drawn.from_objects else "donor", *donor, forgery.donor_history))
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
    refused = tuple((one.path, one.reason) for one in drawn.refused)
    if refused:
        line["refused"] = [{"path": path, "reason": reason} for path, reason in refused]
    return Item(files, json.dumps(line, separators=(",", ":")), forgery.operation, refused)


def _source(role: str, source: Source, framing: list[Step], history: tuple[Step, ...]) -> dict[str, Any]:
    described = {"role": role, "path": source.path, "sha256": source.sha256}
    if source.mask_sha256 is not None:
        described["mask_sha256"] = source.mask_sha256
    return described | {"history": [*framing, *history]}
