"""The loss of the trainer: the published pixel BCE, with a Dice term for small regions."""

import torch
from torch import Tensor
from torch.nn import functional

DICE_SMOOTHING = 100.0  # pixels; keeps the term finite and stable if only a few are tampered


def localisation_loss(
    logits: Tensor,
    mask: Tensor,
    *,
    dice_weight: float,
    tampered: float | None = None,
) -> Tensor:
    """Return (1 - w) BCE + w (1 - soft Dice), float32 scalar.

    logits, mask: (B, 1, H, W); mask in {0, 1}. BCE is the mean over all pixels, as published. Dice is taken per image
    and only over images with tampered pixels: over an authentic one it would be undefined. tampered: the divisor of the
    Dice terms, if the batch is part of a larger one; None: the number of images with tampered pixels.
    """
    logits = logits.float()
    bce = functional.binary_cross_entropy_with_logits(logits, mask)
    if dice_weight == 0.0:
        return bce
    maps = torch.sigmoid(logits)
    overlap = (maps * mask).sum(dim=(1, 2, 3))
    total = maps.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3))
    dice = (2.0 * overlap + DICE_SMOOTHING) / (total + DICE_SMOOTHING)
    is_tampered = (mask.sum(dim=(1, 2, 3)) > 0).float()
    count = is_tampered.sum() if tampered is None else mask.new_tensor(tampered)
    dice_loss = ((1.0 - dice) * is_tampered).sum() / (count.clamp_min(1.0) if tampered is None else count)
    return (1.0 - dice_weight) * bce + dice_weight * dice_loss


def branch_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Return the mean BCE of each branch's own sum of maps, float32 scalar. logits: (B, branches, H, W).

    Without it, the gate neglects the branch that learns more slowly for good.
    """
    return functional.binary_cross_entropy_with_logits(logits.float(), mask.expand_as(logits))
