"""The configuration of a training run, read from a TOML file, frozen and checked."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator

from mesorch_cli.bounds import shown
from mesorch_cli.errors import UsageError
from mesorch_cli.evaluation.masks import MaskRule, parse_colour
from mesorch_cli.forge.recipe import OPERATIONS, ForgeRecipe
from mesorch_cli.inference.settings import parse_scales
from mesorch_cli.network.config import PUBLISHED_DROP_PATH
from mesorch_cli.network.families import MEMBERS, family_of
from mesorch_cli.network.member import SIDE_MULTIPLE
from mesorch_cli.network.passport import Name
from mesorch_cli.network.rules import Scale, Words
from mesorch_cli.training.extends import read_values
from mesorch_cli.training.schedule import Count, Part, Schedule
from mesorch_cli.validation import first_problem

__all__ = ["Data", "FileSet", "Schedule", "Source", "TrainingConfig", "Validation", "differing", "read_config"]

RETIRED = {"focal_gamma", "edge_weight"}  # terms of the loss in earlier versions

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=1e-6, le=1e6)]  # relative to others, which it must not drown out
LARGEST_SIDE = 4096  # of a network's input, in pixels


class Source(Part):
    """A folder of the photo pool and its share of hosts and donors, relative to the other folders."""

    folder: Path
    share: Weight = 1.0


class FileSet(Part):
    """A set of photos with masks as for `mesorch evaluate`, or a balanced list, and its share relative to other sets.

    Within a set, photos are drawn uniformly with replacement. The sets of a balanced list have equal shares.
    """

    path: Path
    share: Weight = 1.0


class Data(Part):
    """Where samples come from. Paths are relative to the working directory.

    photos: pristine photos. objects: photos with a mask of the same stem as .png, for cut-outs. object_share: how often
    a splice's donor is such an object. object_host_share: how often the host is one. Most of its objects stay
    authentic, so that an object alone is no sign of a forgery. twin_share: for forged photos, how often half of the
    views show the same photo unedited, with the same history. files: photos with masks. augment: their augmentation
    before a view is taken, `published` or `none`. forged_share: the share of samples forged on the fly; must be given
    if there are both kinds. native_share: the share of samples cropped at native resolution; the others show the whole
    photo squashed to the input side. operations: share of each kind of forged sample, by name, summing to 1; None: as
    `ForgeRecipe` has them. views: samples that belong together, cut from one forged photo (for files: from as
    many photos). working_side: photos are shrunk or cropped to at most this many pixels a side before forging, which
    bounds the cost. validation_photos, validation_objects: sources of `validation_count` photos that are forged once
    and kept. validation_sets: photos with masks to validate on unchanged. All validation paths must be separate from
    the others. allow_empty_masks: photos whose mask has no tampered pixel are authentic. mask_colour: which of a mask's
    two colours means tampered, such as `ff0000`. Both apply to files and validation_sets.
    """

    photos: tuple[Source, ...] = ()
    objects: tuple[Source, ...] = ()
    files: tuple[FileSet, ...] = ()
    augment: Literal["published", "none"] = "published"
    forged_share: Share | None = None
    validation_photos: tuple[Source, ...] = ()
    validation_objects: tuple[Source, ...] = ()
    validation_sets: tuple[Path, ...] = ()
    object_share: Share = 0.5
    object_host_share: Share = 0.7
    twin_share: Share = 0.5
    native_share: Share = 0.6
    operations: dict[str, Share] | None = None
    views: Annotated[int, Field(ge=1, le=4096)] = 2
    working_side: Annotated[int, Field(ge=128, le=16384)] = 768
    validation_count: Count = 64
    allow_empty_masks: bool = False
    mask_colour: str | None = None

    @field_validator("mask_colour")
    @classmethod
    def _is_a_colour(cls, text: str | None) -> str | None:
        try:
            return text if text is None else "".join(f"{part:02x}" for part in parse_colour(text))
        except UsageError as error:
            raise ValueError(str(error)) from error

    @field_validator("operations")
    @classmethod
    def _are_a_recipe(cls, shares: dict[str, float] | None) -> dict[str, float] | None:
        if shares is not None and set(shares) - set(OPERATIONS):
            raise ValueError(f"{sorted(set(shares) - set(OPERATIONS))} are no operations: expected {OPERATIONS}")
        try:
            recipe_of(shares)
        except UsageError as error:
            raise ValueError(str(error)) from error
        return shares

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.photos and not self.files:
            raise ValueError("there is nothing to train on: name folders of photos to forge from, or files")
        if not self.validation_photos and not self.validation_sets:
            raise ValueError("there is nothing to validate on: name validation_photos or validation_sets")
        if self.photos and self.files and self.forged_share is None:
            raise ValueError("photos and files are both given, which requires forged_share")
        if self.forged_share is not None and not (self.photos and self.files):
            raise ValueError("forged_share is given, but not both photos and files")
        return self

    @property
    def masks(self) -> MaskRule:
        """Return what the mask files cannot say."""
        return MaskRule(self.allow_empty_masks, None if self.mask_colour is None else parse_colour(self.mask_colour))

    @property
    def recipe(self) -> ForgeRecipe:
        """Return how training photos are forged."""
        return recipe_of(self.operations)

    @property
    def share_forged(self) -> float:
        """Return the share of forged samples."""
        if self.forged_share is not None:
            return self.forged_share
        return 1.0 if self.photos else 0.0


class Validation(Part):
    """How whole photos are analysed during training, and how the best weights are chosen.

    scales, overlap: for the engine and for the passport of the result. side: of the network's inputs in pixels, None:
    as in training. select: the figure, averaged over the validation sets: `f1_best` (F1 at the best common threshold of
    the set), `f1` (at a threshold of one half), or `auc`, each a mean over tampered photos.
    """

    scales: Annotated[str, Field(validation_alias=AliasChoices("scales", "levels"))] = "whole,native"  # once `levels`
    overlap: Annotated[float, Field(ge=0.0, le=0.75)] = 0.25
    side: Annotated[int, Field(ge=64, le=LARGEST_SIDE, multiple_of=SIDE_MULTIPLE)] | None = None
    select: Literal["f1_best", "f1", "auc"] = "f1_best"

    @field_validator("scales")
    @classmethod
    def _named(cls, text: str) -> str:
        try:
            parse_scales(text, ())
        except UsageError as error:
            raise ValueError(str(error)) from error
        return text

    @property
    def parsed_scales(self) -> tuple[Scale, ...]:
        return parse_scales(self.scales, ())


class TrainingConfig(Part):
    """A whole run.

    name, licence: for the passport of the result. pretrained_cnn, pretrained_transformer: ImageNet weights of the
    branches (see `pretrained`), or none for a random start. initial: a weights file or checkpoint of the same network
    to start from, with a new optimiser, or none. side: input side in pixels. batch: samples of one step, over all
    processes. accumulate: passes into which each process divides its part of them. drop_path: of the Transformer.
    batch_norm: statistics from each process's `own` pass, `synced` over processes (GPUs only), or `frozen`. precision:
    arithmetic of the steps; `fastest` is measured when a run starts, and the result is kept in its legs. branch_weight:
    weight of a loss on each branch's sum of maps, besides the loss on the fused map. dice_weight: share of a soft Dice
    term beside the published BCE. threads: per process. workers: processes that make samples, per process.
    """

    name: Name | None = None
    licence: Words = "not stated"
    network: str = "mesorch-s"
    data: Data
    schedule: Schedule
    validation: Validation = Validation()
    side: Annotated[int, Field(ge=64, le=LARGEST_SIDE, multiple_of=SIDE_MULTIPLE)] = 256
    batch: Annotated[int, Field(ge=1, le=65536)] = 16
    accumulate: Annotated[int, Field(ge=1, le=65536)] = 1
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    precision: Literal["fp32", "bf16", "fastest"] = "fastest"
    drop_path: Annotated[float, Field(ge=0.0, lt=1.0)] = PUBLISHED_DROP_PATH
    batch_norm: Literal["own", "synced", "frozen"] = "own"
    dice_weight: Share = 0.2
    branch_weight: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    pretrained_cnn: Path | None = None
    pretrained_transformer: Path | None = None
    initial: Path | None = None
    threads: Annotated[int, Field(ge=1, le=1024)] = 2
    workers: Annotated[int, Field(ge=0, le=256)] = 1
    checkpoint_every: Count = 200
    validate_every: Count = 500

    @model_validator(mode="before")
    @classmethod
    def _without_retired(cls, values: Any) -> Any:
        return without_retired(values, refuse=True) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _whole_forgeries(self) -> Self:
        if self.batch % self.data.views:
            raise ValueError(f"batch {self.batch} is not a multiple of the {self.data.views} views of a forged photo")
        if self.network not in MEMBERS:
            raise ValueError(f"network {self.network!r}: expected one of {sorted(MEMBERS)}")
        if self.branch_weight and not family_of(MEMBERS[self.network]).branches:
            raise ValueError(f"branch_weight {self.branch_weight}: expected 0, as {self.network} has no branches")
        return self


def recipe_of(shares: dict[str, float] | None) -> ForgeRecipe:
    """Return a recipe with these shares of operations; those not named have none. Raises UsageError as it does."""
    return ForgeRecipe() if shares is None else ForgeRecipe(tuple(shares.get(name, 0.0) for name in OPERATIONS))


def without_retired(values: dict[str, Any], *, refuse: bool = False) -> dict[str, Any]:
    """Return the values of a training file, or of a leg of a run, without retired terms of the loss.

    At 0 they meant the present loss, so files and runs of earlier versions continue unchanged. With `refuse`, any other
    value raises ValueError. Without it, the value stays and shows as a change of the training file.
    """
    for name in RETIRED & values.keys():
        if refuse and values[name] != 0:
            raise ValueError(
                f"{name} = {shown(values[name])}: this term of the loss was removed, as it showed no benefit. "
                "Expected no such line, or 0"
            )
    return {name: value for name, value in values.items() if not (name in RETIRED and value == 0)}


def read_config(path: Path) -> TrainingConfig:
    """Read a training file and those that it extends. Raises UsageError with the first fault in them."""
    values, files = read_values(path)
    name = " with ".join(map(str, files))
    try:
        return TrainingConfig.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{name}, {first_problem(error)}.") from error


def differing(before: dict[str, Any], after: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted names of the settings that differ."""
    names = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            names += differing(old, new, f"{prefix}{key}.")
        elif old != new:
            names.append(prefix + key)
    return names
