"""The loss: the published BCE alone, and with the Dice term."""

import torch

from mesorch_cli.training.loss import localisation_loss


def test_without_dice_it_is_the_published_bce() -> None:
    logits, mask = torch.randn(4, 1, 16, 16), (torch.rand(4, 1, 16, 16) < 0.3).float()
    expected = -(mask * torch.sigmoid(logits).log() + (1 - mask) * torch.sigmoid(-logits).log()).mean()
    torch.testing.assert_close(localisation_loss(logits, mask, dice_weight=0.0), expected)


def test_a_perfect_map_costs_nothing_and_an_inverse_one_much() -> None:
    mask = torch.zeros(2, 1, 64, 64)
    mask[0, :, :32] = 1
    sure = (mask * 2 - 1) * 50
    assert localisation_loss(sure, mask, dice_weight=0.5) < 1e-3
    assert localisation_loss(-sure, mask, dice_weight=0.5) > 10


def test_authentic_images_do_not_enter_the_dice_term() -> None:
    logits = torch.randn(2, 1, 64, 64)
    mask = torch.zeros(2, 1, 64, 64)
    mask[0, :, :20, :20] = 1
    only_dice = localisation_loss(logits, mask, dice_weight=1.0)
    torch.testing.assert_close(only_dice, localisation_loss(logits[:1], mask[:1], dice_weight=1.0))
    assert localisation_loss(logits[1:], mask[1:], dice_weight=1.0) == 0


def test_parts_of_a_batch_make_the_loss_of_the_whole() -> None:
    torch.manual_seed(0)
    logits = torch.randn(6, 1, 32, 32)
    mask = torch.zeros(6, 1, 32, 32)
    mask[0, :, :8, :8] = mask[1, :, 3:9, :] = mask[5, :, :, :4] = 1  # two, none, one in the parts of two
    whole = localisation_loss(logits, mask, dice_weight=0.4)
    parts = [
        localisation_loss(logits[first : first + 2], mask[first : first + 2], dice_weight=0.4, tampered=3 / 3)
        for first in (0, 2, 4)
    ]
    torch.testing.assert_close(sum(parts) / 3, whole)
