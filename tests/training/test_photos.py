"""Photos are looked at side by side before a run, and told of in their order."""

from mesorch_cli.training import photos


def test_side_by_side_keeps_the_order() -> None:
    assert list(photos.side_by_side(lambda number: number * 2, range(20))) == list(range(0, 40, 2))
