"""The loss inside a mask, its means, and learning rates."""

from dataclasses import replace

import pytest
import torch

from facea_core.training import TrainConfig
from facea_core.training.losses import Losses, region_loss
from facea_core.training.optimiser import rate_factor


def test_the_loss_sees_only_the_hole_and_is_the_mean_inside_it():
    random = torch.Generator().manual_seed(0)
    output, target = torch.randn(2, 3, 4, 8, 8, generator=random)
    mask = torch.zeros(3, 1, 8, 8)
    mask[0, :, :2, :2] = mask[1, :, :, :] = mask[2, :, 5, 5] = 1
    loss = region_loss(output, target, mask)
    changed = output + torch.randn(output.shape, generator=random) * (1 - mask)
    torch.testing.assert_close(region_loss(changed, target, mask), loss)
    for item in range(3):
        inside = (output - target)[item][:, mask[item, 0] == 1]
        torch.testing.assert_close(loss[item], inside.square().mean())
    everywhere = (output - target).square().flatten(1).mean(1)
    torch.testing.assert_close(region_loss(output, target, mask, 1.0), everywhere)


def test_rates_rise_and_fall_as_told():
    config = TrainConfig(steps=10, warmup=4)
    constant = [rate_factor(step, config) for step in range(10)]
    assert constant == [0.25, 0.5, 0.75, 1.0, *[1.0] * 6]
    for decay in ("linear", "cosine"):
        falling = [rate_factor(step, replace(config, decay=decay)) for step in range(10)]
        assert falling[:5] == constant[:5]
        assert falling[4:] == sorted(falling[4:], reverse=True)
        assert 0 < falling[-1] < 0.2


def test_loss_means_are_kept_by_task_and_attribute():
    losses = Losses(["", "global", "eyes", "mouth", "prior"], "cpu")
    norm = torch.tensor(1.0)
    losses.add(torch.tensor([1.0, 3.0, 5.0]), torch.tensor([1, 2, 2]), norm)
    losses.add(torch.tensor([3.0]), torch.tensor([3]), norm)
    loss, tasks, attributes = losses.take()
    assert loss == 3.0
    assert tasks == {"global": 1.0, "local": pytest.approx(11 / 3)}
    assert attributes == {"eyes": 4.0, "mouth": 3.0}
    assert losses.take() == (0.0, {}, {})
