"""Photos of a training set that are looked at before a run, a few of them at once."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 4  # files that are checked side by side before a run

Found = TypeVar("Found")
Asked = TypeVar("Asked")


def side_by_side(work: Callable[[Asked], Found], asked: Iterable[Asked]) -> Iterator[Found]:
    """Yield what `work` gives for each, in order; a few are under way at once, each read by a worker of its own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(work, asked)
