"""The high- and low-frequency views of an image (Zhu et al., AAAI 2025, section 3.1, as published code computes them).

With X = D_H x D_W^T the orthonormal DCT-II of each channel, `high` drops the corner of the lowest frequencies and `low`
drops everything but the first rows and first columns of X. The published weights were trained with
that L shape. It is not a corner low-pass: stripes of any frequency along one axis survive in it.

Both views are projections of low rank, so they need no H x H matrix and no full transform:
high = x - A'A x B'B and low = P x + x Q - P x Q, with P and Q the projectors on the kept rows and columns.

Shape legend: B batch, C channels, H W input sides in pixels.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

SHARE = (
    20  # `high` loses a 20th of each side of the spectrum, in the low-frequency corner; `low` keeps a 20th, rounded up
)
RANGE_FLOOR = 0.01  # in normalised units, about half a grey level; a smaller range is only rounding noise

Basis = Callable[[int, int, torch.device], Tensor]  # rows wanted, size, device: (rows, size)


def dct_rows(rows: int, size: int, device: torch.device) -> Tensor:
    """Return the first `rows` rows of the orthonormal DCT-II matrix of `size` points, float32 (rows, size).

    It is computed in float64, as the cosine's argument grows to rows * pi, where float32 is off by up to 1e-4.
    """
    point = torch.arange(size, dtype=torch.float64)
    order = torch.arange(rows, dtype=torch.float64)[:, None]
    basis = torch.cos(math.pi / size * (point + 0.5) * order) * math.sqrt(2.0 / size)
    basis[:1] /= math.sqrt(2.0)
    return basis.to(device=device, dtype=torch.float32)


def rescale(plane: Tensor) -> Tensor:
    """Map each image of (B, C, H, W) to 0..1 by its minimum and maximum over all channels together.

    A range below RANGE_FLOOR is not stretched further, so a flat image gives a nearly constant plane and never NaN.
    """
    lowest = plane.amin(dim=(1, 2, 3), keepdim=True)
    highest = plane.amax(dim=(1, 2, 3), keepdim=True)
    return (plane - lowest) / (highest - lowest).clamp_min(RANGE_FLOOR)


def split(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the high- and the low-frequency view of an ImageNet-normalised (B, 3, H, W) image, float32 in 0..1.

    They are always computed in float32, as autocast would cost up to 6e-3 of the 0..1 range.
    """
    with torch.autocast(device_type=image.device.type, enabled=False):
        return views(image.float())


def views(x: Tensor, basis: Basis = dct_rows) -> tuple[Tensor, Tensor]:
    """Return the result of `split` for a float32 image outside autocast. basis: computes the rows of the DCT."""
    height, width = x.shape[-2:]
    corner_h = basis(height // SHARE, height, x.device)
    corner_w = basis(width // SHARE, width, x.device)
    kept_h = basis((height + SHARE - 1) // SHARE, height, x.device)
    kept_w = basis((width + SHARE - 1) // SHARE, width, x.device)

    corner = corner_h @ x @ corner_w.T
    high = x - corner_h.T @ corner @ corner_w

    rows = kept_h @ x
    low = kept_h.T @ (rows - rows @ kept_w.T @ kept_w) + (x @ kept_w.T) @ kept_w
    return rescale(high), rescale(low)
