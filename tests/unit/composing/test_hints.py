"""ControlNets while painting: whom they reach, how strongly, when, and what they are shown."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from facea_core.composing import Control, TargetFace
from facea_core.errors import BackboneError, ConfigError, ImageError

from ...controls import tiny_control
from .people import LEFT, QUICK, RIGHT, box_mask, compose

STEPS = replace(QUICK, steps=4, cfg=2.0)
FACE = [TargetFace(LEFT, prompt="a man")]


@pytest.fixture(scope="module")
def network():
    return tiny_control()


@pytest.fixture
def hint():
    return torch.rand(1, 3, 150, 201, generator=torch.Generator().manual_seed(1)).round()


def painted(backbone, image, *control, faces=FACE, config=STEPS):
    return compose(backbone, image, faces, config, control=control).image


def test_strength_0_and_no_steps_paint_what_no_control_paints(backbone, image, network, hint):
    without = painted(backbone, image)
    assert torch.equal(painted(backbone, image, Control(network, hint, 0.0)), without)
    assert torch.equal(painted(backbone, image, Control(network, hint, end=0.0)), without)
    assert not torch.equal(painted(backbone, image, Control(network, hint)), without)


def test_it_is_asked_only_between_start_and_end(backbone, image, network, hint):
    asked = []

    class Counting(type(network)):
        def residuals(self, noisy, timestep, *more):
            asked.append(float(timestep[0]))
            return network.residuals(noisy, timestep, *more)

    counting = Counting(network.family, network.embedding, network.network)
    painted(backbone, image, Control(counting, hint))
    every, asked[:] = list(asked), []
    assert len(every) == 4
    painted(backbone, image, Control(counting, hint, start=0.25, end=0.75))
    assert asked == every[1:3]


def test_two_of_half_the_strength_are_one(backbone, image, network, hint):
    one = painted(backbone, image, Control(network, hint))
    two = painted(backbone, image, *[Control(network, hint, 0.5)] * 2)
    assert (one - two).abs().max() < 1e-3


def test_a_face_is_painted_by_its_own_part_of_the_hint(backbone, image, network, hint):
    other = hint.clone()
    (plan,) = compose(backbone, image, FACE).plans
    other[..., plan.box.x1 :] = 1 - other[..., plan.box.x1 :]
    ours, theirs = (painted(backbone, image, Control(network, one)) for one in (hint, other))
    assert torch.equal(ours, theirs)
    right = [TargetFace(RIGHT, prompt="a man")]
    ours, theirs = (
        painted(backbone, image, Control(network, one), faces=right) for one in (hint, other)
    )
    assert not torch.equal(ours, theirs)


def test_a_hint_may_be_of_any_size(backbone, image, network):
    small = torch.rand(1, 3, 15, 20, generator=torch.Generator().manual_seed(1))
    whole = F.interpolate(small, (150, 201), mode="bilinear")
    double = F.interpolate(small, (300, 402), mode="bilinear")
    without = painted(backbone, image)
    one, two = (painted(backbone, image, Control(network, h)) for h in (whole, double))
    assert (one - two).abs().max() < 0.1 * (one - without).abs().max()


def test_a_crop_may_reach_outside_the_picture(backbone, network):
    image, hint = torch.rand(2, 1, 3, 40, 160, generator=torch.Generator().manual_seed(0))
    faces = [TargetFace(box_mask((40, 160), (5, 5, 75, 35)), prompt="a man")]
    made = compose(backbone, image, faces, STEPS, control=[Control(network, hint)])
    (plan,) = made.plans
    assert plan.box.height > 40
    assert torch.isfinite(made.image).all()
    assert not torch.equal(made.image, painted(backbone, image, faces=faces))


def test_what_cannot_be_used_is_refused_with_advice(backbone, image, network, hint):
    with pytest.raises(ConfigError, match="strength is 3"):
        Control(network, hint, 3.0)
    with pytest.raises(ConfigError, match="end not before the start"):
        Control(network, hint, start=0.5, end=0.25)
    with pytest.raises(ImageError, match="give one image"):
        Control(network, hint[:, :1])
    with pytest.raises(ImageError, match="the hint is 201x100 and the picture 201x150"):
        painted(backbone, image, Control(network, hint[:, :, :100]))
    other = replace(network, family="sd15")
    with pytest.raises(BackboneError, match="give a ControlNet of facea-tiny"):
        painted(backbone, image, Control(other, hint))
