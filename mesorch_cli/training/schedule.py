"""The number of steps of a run, and the learning rate at each."""

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_COUNT = 10**9
Count = Annotated[int, Field(ge=1, le=MOST_COUNT)]


class Part(BaseModel):
    """A part of a training file: frozen, without unknown entries."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Schedule(Part):
    """Steps, learning rates and other settings of the optimiser.

    shape `flat`: linear warm-up, constant, linear decay to zero over the last `decay_steps`; a run can be stopped in
    its constant part and given its decay later, when its time is known. shape `cosine`, as published: linear warm-up
    from exactly zero, then half a cosine down to `least_rate` at the end. backbone_factor: learning rate of the CNN,
    its fine stem apart, relative to the rest. clip_norm: the gradient is scaled down to this norm; 0: never. ema_decay:
    of the averaged weights; 0: no average.
    """

    steps: Count
    shape: Literal["flat", "cosine"] = "flat"
    warmup_steps: Annotated[int, Field(ge=0, le=MOST_COUNT)] = 200
    decay_steps: Annotated[int, Field(ge=0, le=MOST_COUNT)] = 0
    learning_rate: Annotated[float, Field(ge=1e-12, le=1e30)] = 5e-4
    least_rate: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    backbone_factor: Annotated[float, Field(ge=1e-6, le=1e6)] = 1.0
    weight_decay: Annotated[float, Field(ge=0.0, le=100.0)] = 0.05
    clip_norm: Annotated[float, Field(ge=0.0, le=1e6)] = 1.0
    ema_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.998

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.warmup_steps + self.decay_steps > self.steps:
            raise ValueError(f"warmup_steps + decay_steps exceed the {self.steps} steps")
        if self.shape == "cosine" and self.decay_steps:
            raise ValueError("decay_steps belong to the shape `flat`; a cosine decays all the way")
        if self.shape == "flat" and self.least_rate:
            raise ValueError("least_rate belongs to the shape `cosine`; `flat` decays to zero")
        if self.least_rate > self.learning_rate:
            raise ValueError(f"least_rate {self.least_rate} is above learning_rate {self.learning_rate}")
        return self

    def factor(self, step: int) -> float:
        """Return the learning rate at `step` (from 0) relative to its peak, in 0..1."""
        if self.shape == "cosine":
            if step < self.warmup_steps:
                return step / self.warmup_steps
            least = self.least_rate / self.learning_rate
            progress = (step - self.warmup_steps) / (self.steps - self.warmup_steps)
            return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * progress))
        rise = (step + 1) / self.warmup_steps if step < self.warmup_steps else 1.0
        fall = (self.steps - step) / self.decay_steps if step > self.steps - self.decay_steps else 1.0
        return min(rise, fall)
