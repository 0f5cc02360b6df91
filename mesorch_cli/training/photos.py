"""Checks the photos of a training set before a run, a few at a time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 4  # files that are checked side by side before a run

Found = TypeVar("Found")
Asked = TypeVar("Asked")


def side_by_side(work: Callable[[Asked], Found], asked: Iterable[Asked]) -> Iterator[Found]:
    """Yield the result of `work` for each, in order. A few run at once, each read by its own worker."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(work, asked)
