"""What was in the sets on which rates were measured, and where a photo lies outside of them.

A passport has it as `domain` among the figures of a set. Without it, nothing is known, and nothing is said.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from mesorch_cli.evidence.colour import GREY_REPLICATED
from mesorch_cli.evidence.metadata.history import History, history_of
from mesorch_cli.evidence.photo import Photo
from mesorch_cli.inference.rates import Rate
from mesorch_cli.network.passport import Passport

KEY = "domain"  # among the figures of a set
PERCENTILES = (1.0, 99.0)  # of a set, between which a photo counts as like its photos
COMMON = 0.01  # share of a set's photos from which a kind of them is known to it
MOST_KINDS = 100
EPSILON = 1e-9
GREY, COLOUR = "grey", "colour"

Measure = Literal[
    "shorter side", "longer side", "format", "bits", "colour", "history", "quality", "sampling", "bits per pixel"
]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Number = Annotated[int | float, Field(ge=0, le=1e9)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Kind = Annotated[str, Field(min_length=1, max_length=100)]
Kinds = Annotated[dict[Kind, Count], Field(min_length=1, max_length=MOST_KINDS)]


@dataclass(frozen=True)
class Traits:
    """What can be measured of a photo without its content.

    shorter_side, longer_side: of the stored raster, in pixels. bits: of one stored sample. colour: as stored, grey or
    colour. quality: 1..100, estimated from the quantisation tables; sampling: of chroma, such as 4:2:0; bits_per_pixel:
    of the whole file; these three are None unless it is a JPEG whose structure was read.
    """

    shorter_side: int
    longer_side: int
    format: str
    bits: int
    colour: str
    history: History
    quality: int | None = None
    sampling: str | None = None
    bits_per_pixel: float | None = None

    def value(self, measure: str) -> int | float | str | None:
        """Return the value of one of MEASURES."""
        found: int | float | str | None = getattr(self, measure.replace(" ", "_"))
        return found


@dataclass(frozen=True)
class Deviation:
    """One way in which a photo lies outside of a set: its value, and the set's range, or the kinds known to the set."""

    measure: Measure
    value: int | float | str
    lowest: float | None = None
    highest: float | None = None
    known: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A photo beside the `photos` photos of a measured set. outside: empty where it lies within."""

    set: str
    photos: int
    outside: tuple[Deviation, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Range(_Part):
    """Numbers of a set's photos: the first and the last, and between which the middle 98 % are (PERCENTILES)."""

    least: Number
    low: Number
    high: Number
    most: Number

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.least <= self.low <= self.high <= self.most:
            raise ValueError(f"{self.least:g}, {self.low:g}, {self.high:g}, {self.most:g}: expected rising numbers")
        return self

    @classmethod
    def of(cls, values: Sequence[float], digits: int = 0) -> Self:
        """Return the range of at least one number, with the percentiles rounded outwards to `digits`."""
        low, high = np.percentile(values, PERCENTILES)
        return cls(
            least=_rounded(min(values), digits, math.floor),
            low=_rounded(low, digits, math.floor),
            high=_rounded(high, digits, math.ceil),
            most=_rounded(max(values), digits, math.ceil),
        )


class JpegDomain(_Part):
    """The JPEGs of a set. sampling: how many have which chroma sampling."""

    photos: Count
    quality: Range
    bits_per_pixel: Range
    sampling: Kinds


class Domain(_Part):
    """What is in a set. formats, bits, colours, history: how many of its photos are of which kind."""

    photos: Count
    shorter_side: Range
    longer_side: Range
    formats: Kinds
    bits: Kinds
    colours: Kinds
    history: Kinds
    jpeg: JpegDomain | None = None

    @classmethod
    def of(cls, traits: Sequence[Traits]) -> Self:
        """Return the domain of at least one photo."""
        jpegs = [one for one in traits if one.quality is not None and one.sampling and one.bits_per_pixel is not None]
        return cls(
            photos=len(traits),
            shorter_side=Range.of([one.shorter_side for one in traits]),
            longer_side=Range.of([one.longer_side for one in traits]),
            formats=_counted(one.format for one in traits),
            bits=_counted(str(one.bits) for one in traits),
            colours=_counted(one.colour for one in traits),
            history=_counted(one.history for one in traits),
            jpeg=None
            if not jpegs
            else JpegDomain(
                photos=len(jpegs),
                quality=Range.of([one.quality or 0 for one in jpegs]),
                bits_per_pixel=Range.of([one.bits_per_pixel or 0.0 for one in jpegs], 2),
                sampling=_counted(str(one.sampling) for one in jpegs),
            ),
        )

    def outside(self, traits: Traits) -> tuple[Deviation, ...]:
        """Return where a photo lies outside, in the order of MEASURES. Empty: it lies within."""
        return tuple(found for measure in MEASURES if (found := self._deviation(measure, traits)) is not None)

    def _deviation(self, measure: Measure, traits: Traits) -> Deviation | None:
        value = traits.value(measure)
        within = self._measured(measure, traits)
        if value is None or within is None:
            return None
        if isinstance(within, Range):
            assert not isinstance(value, str)
            fits = within.low <= value <= within.high
            return None if fits else Deviation(measure, value, within.low, within.high)
        known = tuple(kind for kind, count in within.items() if count >= COMMON * sum(within.values()))
        return None if str(value) in known else Deviation(measure, value, known=known)

    def _measured(self, measure: Measure, traits: Traits) -> Range | dict[str, int] | None:
        """Return what the set has of a measure, None if it cannot be compared with this photo's."""
        found: dict[Measure, Range | dict[str, int]] = {
            "shorter side": self.shorter_side,
            "longer side": self.longer_side,
            "format": self.formats,
            "bits": self.bits,
            "colour": self.colours,
            "history": self.history,
        }
        if self.jpeg is not None:
            found |= {"quality": self.jpeg.quality, "bits per pixel": self.jpeg.bits_per_pixel}
            if traits.colour != GREY:  # which has no chroma: only its colour differs
                found["sampling"] = self.jpeg.sampling
        return found.get(measure)


def traits_of(photo: Photo) -> Traits:
    """Return the traits of a photo. Its pixels are not looked at, so they cost nothing for a large one."""
    decode, metadata = photo.decode, photo.metadata
    jpeg = metadata.get("jpeg") or {}
    grey = GREY_REPLICATED in decode.conversions
    is_jpeg = decode.format == "JPEG" and jpeg.get("quality") is not None
    return Traits(
        shorter_side=min(decode.width, decode.height),
        longer_side=max(decode.width, decode.height),
        format=decode.format,
        bits=decode.bits,
        colour=GREY if grey else COLOUR,
        history=history_of(metadata, decode.width, decode.height),
        quality=int(jpeg["quality"]) if is_jpeg else None,
        sampling=str(jpeg["subsampling"]) if is_jpeg else None,
        bits_per_pixel=round(8 * photo.size_bytes / (decode.width * decode.height), 2) if is_jpeg else None,
    )


def compared(passport: Passport, rates: Sequence[Rate], photo: Photo) -> tuple[Comparison, ...]:
    """Return how a photo compares with each set whose rates stand beside its verdict, if the passport describes the set."""
    traits = traits_of(photo)
    return tuple(_comparisons(passport, dict.fromkeys(rate.set for rate in rates), traits))


def _comparisons(passport: Passport, sets: Mapping[str, None], traits: Traits) -> Iterator[Comparison]:
    for name in sets:
        domain = domain_in(passport.figures.get(name))
        if domain is not None:
            yield Comparison(name, domain.photos, domain.outside(traits))


def domain_in(figures: JsonValue) -> Domain | None:
    """Return the domain among the figures of a set, None if there is none that can be read."""
    if not isinstance(figures, dict) or KEY not in figures:
        return None
    try:
        return Domain.model_validate(figures[KEY])
    except ValidationError:  # a passport's figures are free text, and these describe something else
        return None


def _rounded(value: float, digits: int, towards: Callable[[float], int]) -> int | float:
    """Return a number of so many decimals, an integer if there are none; EPSILON keeps 2.3 at 2.3."""
    exact = round(value, digits)
    if math.isclose(exact, value, rel_tol=EPSILON):
        return exact if digits else int(exact)
    return round(towards(value * 10**digits) / 10**digits, digits) if digits else towards(value)


def _counted(kinds: Iterable[str]) -> dict[str, int]:
    return dict(Counter(kinds).most_common(MOST_KINDS))
