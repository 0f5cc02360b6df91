"""The loss of the trainer: the published pixel BCE, with a Dice term for small regions and other weights of pixels."""

import torch
from torch import Tensor
from torch.nn import functional

DICE_SMOOTHING = 100.0  # pixels; keeps the term finite and calm where only a few are tampered
EDGE_REACH = 3  # pixels on either side of a mask's outline that count as its edge


def localisation_loss(
    logits: Tensor,
    mask: Tensor,
    *,
    dice_weight: float,
    focal_gamma: float = 0.0,
    edge_weight: float = 0.0,
    tampered: float | None = None,
) -> Tensor:
    """Return (1 - w) BCE + w (1 - soft Dice), float32 scalar.

    logits, mask: (B, 1, H, W); mask in {0, 1}. BCE is the mean over all pixels, as published. Dice is taken per image
    and only over images with tampered pixels: over an authentic one it would be undefined.
    focal_gamma: each pixel's BCE is multiplied by (1 - probability of the truth)^gamma. edge_weight: pixels near an
    outline count 1 + this. Both 0: as published.
    tampered: what the Dice terms are divided by, where the batch is a part of a larger one; None: the images with
    tampered pixels.
    """
    logits = logits.float()
    bce = pixel_loss(logits, mask, focal_gamma, edge_weight)
    if dice_weight == 0.0:
        return bce
    probability = torch.sigmoid(logits)
    overlap = (probability * mask).sum(dim=(1, 2, 3))
    total = probability.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3))
    dice = (2.0 * overlap + DICE_SMOOTHING) / (total + DICE_SMOOTHING)
    is_tampered = (mask.sum(dim=(1, 2, 3)) > 0).float()
    count = is_tampered.sum() if tampered is None else mask.new_tensor(tampered)
    dice_loss = ((1.0 - dice) * is_tampered).sum() / (count.clamp_min(1.0) if tampered is None else count)
    return (1.0 - dice_weight) * bce + dice_weight * dice_loss


def branch_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Return the mean BCE of each branch's own sum of maps, float32 scalar; logits: (B, branches, H, W).

    Without it the gate leaves the branch that learns more slowly behind for good.
    """
    return functional.binary_cross_entropy_with_logits(logits.float(), mask.expand_as(logits))


def pixel_loss(logits: Tensor, mask: Tensor, focal_gamma: float, edge_weight: float) -> Tensor:
    """Return the mean BCE over pixels, each weighed as asked for; the mean is always over their number."""
    if focal_gamma == 0.0 and edge_weight == 0.0:
        return functional.binary_cross_entropy_with_logits(logits, mask)
    each = functional.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    if focal_gamma:
        wrong = torch.sigmoid(torch.where(mask > 0.5, -logits, logits))
        each = each * wrong.clamp_min(1e-12) ** focal_gamma  # at 0 the power has no finite slope
    if edge_weight:
        each = each * (1.0 + edge_weight * near_outline(mask))
    return each.mean()


def near_outline(mask: Tensor) -> Tensor:
    """Return 1 within EDGE_REACH pixels of a mask's outline, else 0."""
    side = 2 * EDGE_REACH + 1
    grown = functional.max_pool2d(mask, side, stride=1, padding=EDGE_REACH)
    shrunk = -functional.max_pool2d(-mask, side, stride=1, padding=EDGE_REACH)
    return grown - shrunk
