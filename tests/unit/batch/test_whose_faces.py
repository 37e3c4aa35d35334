"""Whether faces were found in the picture that is painted."""

import pytest
import torch

from facea_core.io.images import glance
from facea_core.types import DetectedFaces

from .scenes import SIZE, face, plan, scene


def test_faces_of_another_picture_are_painted_with_a_word():
    here, there = scene(1), scene(2)
    faces = DetectedFaces("male", ((face(8),),), (glance(there),))
    jobs, notes = plan([here], faces=faces)
    assert len(jobs) == 1
    assert "picture 1: its faces were found in another picture" in notes[0]
    assert plan([there], faces=faces)[1] == []


@pytest.mark.parametrize(
    "worked_on",
    [
        lambda x: (x * 0.6 + 0.1).clamp(0, 1),
        lambda x: x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)),
        lambda x: torch.cat([torch.rand_like(x[..., :12]), x[..., 12:]], dim=-1),
        lambda x: x.mean(dim=1, keepdim=True).expand_as(x),
    ],
    ids=["darker", "noisy", "a face repainted", "grey"],
)
def test_a_picture_that_was_worked_on_is_the_same(worked_on):
    for seed in range(20):
        image = scene(seed)
        faces = DetectedFaces("male", ((face(8),),), (glance(image),))
        assert plan([worked_on(image)], faces=faces)[1] == []


def test_a_plain_picture_is_like_nothing_and_unlike_nothing():
    plain = torch.full((1, 3, *SIZE), 0.5)
    faces = DetectedFaces("male", ((face(8),),), (glance(plain),))
    assert plan([scene(1)], faces=faces)[1] == []
    assert not glance(plain).any()
