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


def test_focal_loss_is_its_definition_and_has_a_slope_everywhere() -> None:
    logits = torch.randn(2, 1, 8, 8, dtype=torch.float64).float().requires_grad_()
    mask = (torch.rand(2, 1, 8, 8) < 0.5).float()
    right = torch.where(mask > 0.5, torch.sigmoid(logits), 1 - torch.sigmoid(logits))
    expected = (-((1 - right) ** 2) * right.log()).mean()
    torch.testing.assert_close(localisation_loss(logits, mask, dice_weight=0.0, focal_gamma=2.0), expected)
    sure = torch.full((1, 1, 4, 4), 200.0, requires_grad=True)
    localisation_loss(sure, torch.ones(1, 1, 4, 4), dice_weight=0.0, focal_gamma=0.5).backward()
    assert sure.grad is not None
    assert torch.isfinite(sure.grad).all()


def test_edges_count_more_and_nothing_else_does() -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    logits = torch.zeros(1, 1, 32, 32)
    plain = localisation_loss(logits, mask, dice_weight=0.0)
    weighed = localisation_loss(logits, mask, dice_weight=0.0, edge_weight=2.0)
    # within 3 pixels of the outline: inside 16^2 - 10^2, outside 22^2 - 16^2
    share = (16**2 - 10**2 + 22**2 - 16**2) / 32**2
    torch.testing.assert_close(weighed, plain * (1 + 2 * share))
    empty = torch.zeros_like(mask)
    torch.testing.assert_close(
        localisation_loss(logits, empty, dice_weight=0.0, edge_weight=2.0),
        localisation_loss(logits, empty, dice_weight=0.0),
    )
