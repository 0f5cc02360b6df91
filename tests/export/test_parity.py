"""The gate: what is equal passes, and every way of not being equal is caught."""

import numpy as np
import pytest

from mesorch_cli.errors import UsageError, VerificationError
from mesorch_cli.export.parity import TOLERANCES, Parity, ParityInput, Tolerance, cases, compare, require
from mesorch_cli.export.photos import folder_photos, standard_photos
from tests.inference.networks import Pixelwise

STRICT = Tolerance(1e-3, 0.0)


class Wrong(Pixelwise):
    """Like the reference but for what `spoil` does to the logits of a call."""

    def __init__(self, spoil) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.spoil = spoil

    def __call__(self, tiles, at_once=1):  # type: ignore[no-untyped-def]
        return self.spoil(super().__call__(tiles, at_once))


def measured(exported: Pixelwise, tolerance: Tolerance = STRICT) -> Parity:
    return compare(Pixelwise(), exported, list(cases(standard_photos(), 64)), threshold=0.5, tolerance=tolerance)


def test_an_equal_file_passes_every_case() -> None:
    backend = Pixelwise()
    parity = measured(backend)
    require(parity, "the file")
    assert parity.logits == parity.flipped == 0.0
    shapes = {(one.batch, one.height, one.width) for one in parity.differences}
    assert {(1, 64, 64), (3, 64, 64), (1, 96, 128), (1, 32, 32), (2, 32, 96), (5, 96, 64)} == shapes
    assert {shape[0] for shape in backend.shapes} == {1, 2, 3, 5}
    assert "flat" in {one.case for one in parity.differences}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda logits: logits + np.float32(0.002),
        lambda logits: np.roll(logits, 1, axis=3),
        lambda logits: np.where(logits > 0.5, np.float32(np.nan), logits),
        lambda logits: logits[::-1],  # tiles of a batch in another order
        lambda logits: logits - logits.mean(axis=0, keepdims=True) + logits[:1].mean(axis=0, keepdims=True),  # mixed
        lambda logits: np.pad(logits[:, :, 1:, :], ((0, 0), (0, 0), (0, 1), (0, 0))),
    ],
)
def test_a_file_that_differs_does_not_pass(spoil) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(VerificationError, match="differs from PyTorch.*No file was written"):
        require(measured(Wrong(spoil)), "the file")


def test_a_file_with_other_shapes_does_not_pass() -> None:
    with pytest.raises(VerificationError, match="logits of the shape"):
        measured(Wrong(lambda logits: logits[:, :, ::2, ::2]))


def test_less_arithmetic_is_judged_by_the_mask() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (1, 100, 100, 3), dtype=np.uint8)
    fortieth = np.sort(Pixelwise()(tiles).ravel())[40]
    found = compare(
        Pixelwise(lambda images: np.ones_like(images[:, :1])),
        Wrong(lambda logits: np.where(logits < fortieth, np.float32(-1), np.float32(1))),
        [ParityInput("noise", tiles)],
        threshold=0.5,
        tolerance=TOLERANCES["fp16"],
    )
    assert found.flipped == pytest.approx(0.004)
    assert found.logits == 2.0
    assert found.holds
    assert not Parity(found.differences, 0.5, TOLERANCES["fp32"]).holds


def test_the_users_own_photos_take_part(tmp_path, write_photo) -> None:  # type: ignore[no-untyped-def]
    photo = write_photo("own.png")
    (photo.parent / "notes.txt").write_text("no photo")
    assert list(folder_photos(photo.parent)) == ["own.png"]
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="There is no photo in"):
            folder_photos(folder)
