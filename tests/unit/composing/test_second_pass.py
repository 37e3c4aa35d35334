"""What stays in front of a face, and a second pass over a face that was painted."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from facea_core.backbone import Backbone, load_backbone
from facea_core.backbone.load import random_backbone
from facea_core.backbone.spec import TINY
from facea_core.composing import (
    ComposeConfig,
    Crop,
    TargetFace,
    compose_faces,
    compose_identity,
    plan_batch,
)
from facea_core.composing.masks import widened
from facea_core.demo import draw_cast
from facea_core.errors import MaskError

from ...narrow import quick

SIDE = 96
CONFIG = ComposeConfig(steps=5, colour_match=0.0, second_pass=0.2)


def picture() -> Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def box_mask(x0: int = 30, x1: int = 70) -> Tensor:
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., 30:70, x0:x1] = 1
    return mask


def in_grey(level: float, asked: list[Crop]):
    def paint(face: TargetFace, crop: Crop, seeds: Sequence[int]) -> Tensor:
        asked.append(crop)
        return torch.full((len(seeds), *crop.image.shape[1:]), level)

    return paint


def test_the_second_pass_sees_the_first_and_covers_its_seam():
    first: list[Crop] = []
    second: list[Crop] = []
    made = compose_faces(
        picture(), [TargetFace(box_mask())], in_grey(0.2, first), TINY.spec, CONFIG,
        refine=in_grey(0.8, second),
    )  # fmt: skip
    assert (len(first), len(second)) == (1, 1)
    assert second[0].plan == first[0].plan
    assert float((second[0].image - 0.2).abs().min()) < 1e-6
    assert (second[0].mask >= first[0].mask).all()
    assert second[0].mask.sum() > first[0].mask.sum()
    assert torch.allclose(made.image[..., 50, 50], torch.tensor(0.8))
    assert torch.equal(made.image * (made.mask == 0), picture() * (made.mask == 0))


def test_without_a_second_pass_nobody_asks_for_it():
    second: list[Crop] = []
    config = ComposeConfig(colour_match=0.0)
    compose_faces(
        picture(), [TargetFace(box_mask())], in_grey(0.2, []), TINY.spec, config,
        refine=in_grey(0.8, second),
    )  # fmt: skip
    assert second == []


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return quick(random_backbone(0), 128)


@pytest.mark.parametrize(("steps", "second"), [(5, 3), (1, 1), (8, 4)])
def test_its_steps_are_counted(backbone: Backbone, steps: int, second: int):
    config = ComposeConfig(steps=steps, second_pass=0.25, candidates=2)
    told: list[tuple[int, int]] = []
    faces = [TargetFace(box_mask(20, 40)), TargetFace(box_mask(50, 80))]
    compose_identity(
        picture(), faces, backbone, config, "a face", on_step=lambda *at: told.append(at)
    )
    total = 2 * (2 * steps + second)
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_little_noise_changes_little():
    tiny, cast = load_backbone("tiny"), draw_cast(3)
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., 40:100, 36:92] = 1

    def made(second_pass: float) -> Tensor:
        config = ComposeConfig(steps=6, second_pass=second_pass)
        faces = [TargetFace(mask)]
        return compose_identity(cast.context.image, faces, tiny, config, "a man").image

    plain = made(0.0)
    apart = [float((made(one) - plain).abs().mean()) for one in (0.05, 0.5)]
    assert 0 < apart[0] < apart[1]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2])
def test_a_widened_mask_reaches_further_on_each_side(share: float):
    wide = widened(box_mask(), share)
    reach = max(1, round(share * 40))
    rows = wide[0, 0].any(dim=1).nonzero().flatten().tolist()
    assert (rows[0], rows[-1]) == (30 - reach, 69 + reach)
    assert torch.equal(widened(torch.zeros(1, 1, 8, 8), share), torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize("second_pass", [0.0, 0.3])
def test_what_is_kept_changes_by_no_bit(second_pass: float):
    keep = torch.zeros(1, 1, SIDE, SIDE)
    keep[..., 45:55, :] = 1
    config = ComposeConfig(colour_match=0.0, second_pass=second_pass)
    made = compose_faces(
        picture(), [TargetFace(box_mask(), keep=keep)], in_grey(0.2, []), TINY.spec, config,
        refine=in_grey(0.8, []),
    )  # fmt: skip
    assert torch.equal(made.image * keep, picture() * keep)
    assert not (made.mask * keep).any()
    assert not torch.equal(made.image, picture())


def test_a_face_that_is_kept_whole_is_said():
    ones = torch.ones(1, 1, SIDE, SIDE)
    face = TargetFace(box_mask(), keep=ones)
    made = compose_faces(picture(), [face], in_grey(0.2, []), TINY.spec, CONFIG)
    assert torch.equal(made.image, picture())
    assert made.notes == ("face 1: all of it is to be kept",)


def test_one_mask_keeps_for_all_pictures_or_each_has_its_own():
    keeps = [torch.zeros(1, 1, SIDE, SIDE), torch.ones(1, 1, SIDE // 2, SIDE // 2)]
    jobs, _ = plan_batch([picture()] * 2, [box_mask()], None, [], CONFIG, TINY.spec)
    for given, means in ((keeps, [0, 1]), (keeps[1:], [1, 1])):
        kept = [job.faces[0].keep for job in jobs.keeping(given)]
        assert [float(one.mean()) for one in kept if one is not None] == means
    assert jobs.keeping(keeps).faces == jobs.faces
    with pytest.raises(MaskError, match="3 masks of what to keep for 2 pictures"):
        jobs.keeping([*keeps, keeps[0]])
