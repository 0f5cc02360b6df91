"""Several simultaneous calls of the network, with results in order.

The layers of a small network are too short to be divided well among a processor's threads, but whole tiles are not.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], lanes: int, on_short: Callable[[], None]
) -> Iterator[Result]:
    """Yield function(item) for every item in order, up to `lanes` at the same time; with one lane in the caller's thread.

    Items are taken as results are requested, with at most `lanes` + 1 in progress or waiting. If a call beside others
    raises MemoryError, `on_short` is called, and this item and all later ones run alone. If one fails alone, the error
    is raised.
    """
    remaining = iter(items)
    if lanes == 1:
        yield from map(function, remaining)
        return
    with ThreadPoolExecutor(lanes, thread_name_prefix="mesorch-lane") as pool:
        waiting: deque[tuple[Item, Future[Result]]] = deque()
        most = lanes + 1  # the one more keeps every lane busy while the caller uses a result
        try:
            while True:
                room = max(0, most - len(waiting))
                waiting.extend((item, pool.submit(function, item)) for item in islice(remaining, room))
                if not waiting:
                    return
                item, future = waiting.popleft()
                wait([future])
                if isinstance(future.exception(), MemoryError):
                    if most > 1:
                        on_short()
                    most = 1
                    wait([other for _, other in waiting])
                    yield function(item)
                else:
                    yield future.result()
        finally:
            for _, future in waiting:
                future.cancel()
