"""Which image goes with which masks and identities."""

import math

import pytest
import torch
from torch import Tensor

from facea_core.backbone.spec import TINY
from facea_core.composing import ComposeConfig, Job, compose_faces, face_mask
from facea_core.errors import ConfigError, ImageError, MaskError
from facea_core.types import FaceAttributes, Identity

from .scenes import (
    CONFIG,
    SIZE,
    box_mask,
    face,
    found,
    identities_in,
    masks_in,
    nobody,
    person,
    picture,
    plan,
)

ADA, BOB = person("ada"), person("bob")


# Numbers


@pytest.mark.parametrize(("pictures", "masks"), [(1, 1), (3, 3), (1, 3), (3, 1)])
def test_one_of_one_kind_serves_many_of_the_other(pictures: int, masks: int):
    images = [picture(i) for i in range(pictures)]
    wanted = [box_mask(i, i + 8) for i in range(masks)]
    jobs, notes = plan(images, wanted)
    assert len(jobs) == max(pictures, masks)
    for i, job in enumerate(jobs):
        assert job.image is images[i % pictures]
        (target,) = job.faces
        assert torch.equal(target.mask, wanted[i % masks])
        assert target.identity is None
    assert notes == []


@pytest.mark.parametrize(("pictures", "searched"), [(1, 1), (2, 2), (1, 3), (3, 1)])
def test_and_so_it_is_with_searched_pictures(pictures: int, searched: int):
    images = [picture(i) for i in range(pictures)]
    faces = [(face(8 * i),) for i in range(searched)]
    jobs, notes = plan(images, faces=found(*faces))
    assert len(jobs) == max(pictures, searched)
    for i, job in enumerate(jobs):
        assert job.image is images[i % pictures]
        assert torch.equal(job.faces[0].mask, face_mask(faces[i % searched][0], CONFIG))
    assert notes == []


@pytest.mark.parametrize(("pictures", "others"), [(2, 3), (3, 2), (4, 2), (2, 0), (1, 0)])
def test_numbers_that_do_not_fit_are_refused_with_both(pictures: int, others: int):
    images = [picture(i) for i in range(pictures)]
    with pytest.raises(MaskError, match=f"{pictures} pictures and {others} masks"):
        plan(images, [box_mask(0, 8)] * others)
    with pytest.raises(ImageError, match=f"{pictures} pictures and {others} searched"):
        plan(images, faces=found(*[(face(8),)] * others))


def test_nothing_that_says_where_to_paint_is_refused():
    with pytest.raises(ConfigError, match=r"mask.*FaceA Attribute Detect"):
        plan([picture()], identities=[ADA])


# Masks


def test_a_mask_goes_before_the_faces():
    jobs, _ = plan([picture()], [box_mask(0, 8)], found((face(30), face(8))))
    (target,) = jobs[0].faces
    assert torch.equal(target.mask, box_mask(0, 8))


def test_a_mask_of_another_size_is_resized_and_it_is_said():
    images = [picture(0), picture(1, (96, 128))]
    jobs, notes = plan(images, [box_mask(0, 32)])
    assert notes == ["the mask was resized to the picture"]
    assert torch.equal(jobs[0].faces[0].mask, box_mask(0, 32))
    large = jobs[1].faces[0].mask
    assert large.shape == (1, 1, 96, 128)
    # The same half, but for the seam.
    assert torch.equal(large[..., :60], torch.ones(1, 1, 96, 60))
    assert torch.equal(large[..., 68:], torch.zeros(1, 1, 96, 60))


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("size", [SIZE, (96, 128)])
def test_a_mask_with_a_value_that_is_no_number_is_refused(value: float, size: tuple[int, int]):
    mask = box_mask(0, 8, size)
    mask[0, 0, 3, 3] = value
    with pytest.raises(MaskError, match="NaN or infinite"):
        plan([picture()], [mask])


@pytest.mark.parametrize("size", [SIZE, (96, 128)])
def test_a_mask_of_bytes_is_refused(size: tuple[int, int]):
    with pytest.raises(MaskError, match="255"):
        plan([picture()], [box_mask(0, 8, size) * 255])


# Faces


def test_a_picture_without_a_face_stays_and_it_is_said():
    images = [picture(i) for i in range(3)]
    jobs, notes = plan(images, faces=found((face(8),), (), (nobody(),)), identities=[ADA])
    assert [identities_in(job) for job in jobs] == [[ADA], [], []]
    assert all(job.image is image for job, image in zip(jobs, images, strict=True))
    assert notes == [f"picture {number}: no face was found, it stays as it is" for number in (2, 3)]


def test_faces_searched_in_a_picture_of_another_size_are_refused():
    other = (face(8, size=(64, 48)),)
    with pytest.raises(ImageError, match=r"picture 2 is \(48, 64\).*\(64, 48\)"):
        plan([picture(0), picture(1)], faces=found((face(8),), other))
    # Where no face is used there is nothing to fit.
    jobs, _ = plan([picture()], faces=found((nobody((64, 48)),)))
    assert jobs[0].faces == ()


# Identities


def masks_of(*faces: FaceAttributes) -> list[Tensor]:
    return [face_mask(one, CONFIG) for one in faces]


def test_identities_are_assigned_in_the_order_of_the_faces():
    left, right = face(4), face(40)
    jobs, notes = plan([picture()], faces=found((right, left)), identities=[ADA, BOB])
    assert identities_in(jobs[0]) == [ADA, BOB]
    assert all(map(torch.equal, masks_in(jobs[0]), masks_of(right, left)))
    assert notes == []


def test_each_picture_of_a_batch_begins_with_the_first_identity():
    jobs, _ = plan(
        [picture(), picture()], faces=found((face(4),), (face(9),)), identities=[ADA, BOB]
    )
    assert [identities_in(job) for job in jobs] == [[ADA], [ADA]]


@pytest.mark.parametrize(
    ("identities", "kept", "alone"),
    [([ADA], [0], 2), ([None, BOB], [1], 2), ([ADA, None, BOB], [0, 2], 1), ([ADA] * 4, None, 0)],
)
def test_a_face_without_an_identity_is_left_alone_and_it_is_said(
    identities: list[Identity | None], kept: list[int] | None, alone: int
):
    faces = (face(2), face(20), face(40))
    jobs, notes = plan([picture()], faces=found(faces), identities=identities)
    chosen = range(3) if kept is None else kept
    assert identities_in(jobs[0]) == [identities[i] for i in chosen]
    assert all(map(torch.equal, masks_in(jobs[0]), masks_of(*(faces[i] for i in chosen))))
    said = [f"picture 1: {alone} of 3 faces left alone"] if alone else []
    assert [note.split(",")[0] for note in notes] == said


@pytest.mark.parametrize("identities", [(), (None, None)])
def test_without_identities_the_model_paints_every_face_by_itself(identities: tuple):
    jobs, notes = plan([picture()], faces=found((face(4), face(40))), identities=identities)
    assert identities_in(jobs[0]) == [None, None]
    assert notes == []


def test_each_face_has_its_part_of_the_prompt_those_left_alone_counted():
    faces = found((face(2), face(20), face(40)))
    jobs, _ = plan([picture()], faces=faces, identities=[ADA, None, BOB], prompt="a [SEP]b[SEP] c")
    assert [target.prompt for target in jobs[0].faces] == ["a", "c"]
    jobs, _ = plan([picture()], faces=faces, prompt="all")
    assert [target.prompt for target in jobs[0].faces] == ["all"] * 3


# What is painted


def composed(job: Job, colour: float = 0.25) -> Tensor:
    """The image with one colour painted by a painter that knows no other."""
    config = ComposeConfig(colour_match=0.0)
    made = compose_faces(
        job.image,
        job.faces,
        lambda face, crop, seeds: torch.full_like(crop.image, colour),
        TINY.spec,
        config,
    )
    assert made.image.shape == job.image.shape
    assert ((made.image != job.image).any(1, keepdim=True) <= (made.mask > 0)).all()
    return made.image


def test_half_a_mask_touches_half_the_picture():
    jobs, _ = plan([picture()], [box_mask(0, 32)])
    result = composed(jobs[0])
    # All that was drawn is painted; beyond it the patch fades out.
    beyond = 32 + math.ceil(ComposeConfig().feather * max(SIZE))
    assert torch.equal(result[..., beyond:], jobs[0].image[..., beyond:])
    assert torch.allclose(result[..., :32], torch.tensor(0.25), atol=1e-4)


def test_a_mask_of_zeros_leaves_every_bit():
    jobs, _ = plan([picture()], [torch.zeros(1, 1, *SIZE)])
    assert torch.equal(composed(jobs[0]), jobs[0].image)


def test_a_picture_without_a_face_leaves_every_bit():
    jobs, _ = plan([picture()], faces=found(()))
    assert torch.equal(composed(jobs[0]), jobs[0].image)


def test_faces_are_painted_where_they_are_and_nowhere_else():
    jobs, _ = plan([picture()], faces=found((face(2), face(44))))
    changed = (composed(jobs[0]) != jobs[0].image).any(1)[0]
    assert changed[18, 8]
    assert changed[18, 50]
    assert not changed[:, 29:35].any()
