"""Several candidates of a face: what is thought of each, and which is kept."""

from dataclasses import replace
from math import nan

import pytest
import torch
from torch import Tensor

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.composing import (
    ComposeConfig,
    TargetFace,
    candidate_seed,
    compose_faces,
    compose_identity,
)
from facea_core.composing.candidates import choose, fit
from facea_core.demo import draw_cast
from facea_core.detection.load import load_detector
from facea_core.errors import ConfigError, NoFaceError
from facea_core.evaluation import TinyEmbedder
from facea_core.selection import person_rank, photos_to_choose_by

from ..narrow import quick

SIDE = 64


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return quick(random_backbone(0), 128)


def picture() -> Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def box_mask() -> Tensor:
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., 16:48, 16:48] = 1
    return mask


def soft_mask() -> Tensor:
    """From 0 on the left to 1 on the right."""
    return torch.linspace(0, 1, SIDE).expand(1, 1, SIDE, SIDE)


def test_only_what_is_blended_says_how_well_a_patch_fits():
    original, mask = picture() / 2, soft_mask()
    assert fit(original, original, mask) == 1
    for columns in (slice(0, 1), slice(SIDE // 2 + 1, SIDE)):
        patch = original.clone()
        patch[..., columns] += 0.5
        assert fit(patch, original, mask) == 1
    assert fit(original + 0.5, original, mask) == pytest.approx(0.5)
    assert fit(original + 0.25, original, mask) == pytest.approx(0.75)
    assert fit(original + 0.5, original, torch.ones(1, 1, SIDE, SIDE)) == 1


def test_the_best_of_fit_and_likeness_is_kept():
    original, mask = torch.zeros(1, 3, SIDE, SIDE), soft_mask()
    patches = torch.cat([original + 0.3, original, original + 0.2])
    choice = choose(patches, original, mask, None)
    assert (choice.kept, choice.likeness) == (1, ())
    alike = iter([0.1, 0.2, 0.9])
    choice = choose(patches, original, mask, lambda patch: next(alike))
    assert choice.kept == 2
    assert choice.fits == pytest.approx((0.7, 1, 0.8))
    assert choice.likeness == (0.1, 0.2, 0.9)
    unknown = iter([0.1, nan, nan])
    assert choose(patches, original, mask, lambda patch: next(unknown)).kept == 0
    unjudged = choose(patches, original, mask, lambda patch: None)
    assert unjudged == choose(patches, original, mask, None)
    broken = torch.cat([torch.full_like(original, nan), patches[:1]])
    assert choose(broken, original, mask, None).kept == 1


def test_seeds_of_candidates_are_not_those_of_the_next_pictures():
    seeds = {candidate_seed(picture, candidate) for picture in range(50) for candidate in range(20)}
    assert len(seeds) == 50 * 20
    assert candidate_seed(2**64 + 7, 0) == 7


def test_the_first_candidate_is_what_would_be_painted_alone(backbone):
    config = ComposeConfig(steps=2, seed=3)

    def compose(**changes):
        return compose_identity(
            picture(), [(box_mask(), None)], backbone, replace(config, **changes), "a face"
        )

    alone = compose()
    assert alone.choices == ()
    seen: list[Tensor] = []
    several = compose_identity(
        picture(), [(box_mask(), None)], backbone, replace(config, candidates=3), "a face",
        rank=lambda face, patch: float(-len(seen)) if seen.append(patch) is None else 0.0,
    )  # fmt: skip
    assert several.choices[0].kept == 0
    assert torch.allclose(several.image, alone.image, atol=1e-5)
    assert len(seen) == 3
    assert not torch.allclose(seen[0], seen[1], atol=1e-3)
    second = compose(seed=candidate_seed(3, 1))
    assert torch.allclose(seen[1], second.patches[0], atol=1e-5)


def test_each_face_has_its_own_choice_and_steps_are_counted_to_the_end(backbone):
    masks = [torch.zeros(1, 1, SIDE, SIDE) for _ in range(3)]
    masks[0][..., 8:24, 8:24] = masks[2][..., 40:56, 40:56] = 1
    faces = [TargetFace(mask, prompt=f"face {number}") for number, mask in enumerate(masks)]
    reported: list[tuple[int, int]] = []
    made = compose_identity(
        picture(), faces, backbone, ComposeConfig(steps=2, candidates=2, feather=0.0), "a face",
        lambda step, total: reported.append((step, total)),
        rank=lambda face, patch: 0.5 if face.prompt == "face 0" else None,
    )  # fmt: skip
    # Both candidates take a step together.
    assert reported == [(step, 8) for step in (2, 4, 6, 8)]
    assert [choice.likeness for choice in made.choices] == [(0.5, 0.5), ()]
    outside = torch.maximum(masks[0], masks[2]) == 0
    assert torch.equal(made.image * outside, picture() * outside)


def test_the_one_that_meets_the_picture_is_kept(backbone):
    image = torch.full((1, 3, SIDE, SIDE), 0.5)
    colours = (0.1, 0.45, 0.9)
    made = compose_faces(
        image, [TargetFace(box_mask())],
        lambda face, crop, seeds: torch.cat([torch.full_like(crop.image, c) for c in colours]),
        backbone.spec, ComposeConfig(candidates=3, colour_match=0.0),
    )  # fmt: skip
    assert made.choices[0].kept == 1
    assert torch.allclose(made.image[..., 32, 32], torch.tensor(0.45))


def test_who_is_in_the_photos_is_liked_best():
    detector = load_detector("tiny")
    ada, other = draw_cast(3, 128), draw_cast(4, 128)
    photos, notes = photos_to_choose_by(ada.photos.image.split(1), detector)
    assert (len(photos), notes) == (3, [])
    rank = person_rank(photos, detector, TinyEmbedder())
    mine, theirs = (rank(0, cast.heldout.image[:1]) for cast in (ada, other))
    assert mine > theirs + 0.3
    assert rank(0, torch.zeros(1, 3, 128, 128)) == -1


def test_photos_without_a_face_are_left_out_and_named():
    detector, cast = load_detector("tiny"), draw_cast(3, 128)
    pictures = [torch.zeros(1, 3, 128, 128), cast.photos.image[:1]]
    photos, notes = photos_to_choose_by(pictures, detector)
    assert len(photos) == 1
    assert "photo 1" in notes[0]
    with pytest.raises(NoFaceError):
        photos_to_choose_by(pictures[:1], detector)


def test_there_is_at_least_one_candidate():
    with pytest.raises(ConfigError, match="candidates"):
        ComposeConfig(candidates=0)
