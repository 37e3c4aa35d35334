"""Prompts of faces, and input that cannot be painted."""

import math

import pytest
import torch

from facea_core.composing import (
    face_mask,
    face_prompt,
    prompt_for,
)
from facea_core.errors import BackboneMismatchError, ConfigError, ImageError, MaskError
from facea_core.masks import UNSEEN
from facea_core.types import (
    Box,
    FaceAttributes,
)

from .people import LEFT, QUICK, RIGHT, compose, person


def test_prompts(backbone):
    ada, ben = person(backbone), person(backbone, "ben")
    own = ada.meta.prompt
    assert face_prompt("", ada) == own
    assert face_prompt("  ", ada) == own
    assert face_prompt("", None) == ""
    assert face_prompt("at the sea", None) == "at the sea"
    added = "at the sea embedding:ada/eyes embedding:ada/mouth"
    assert face_prompt("at the sea", ada) == added
    assert face_prompt("with embedding:ada/eyes only", ada) == "with embedding:ada/eyes only"
    two = "embedding:ada/eyes and embedding:ben/eyes"
    assert face_prompt(two, ada, [ada, ben]) == "embedding:ada/eyes and"
    assert face_prompt(two, ben, [ada, ben]) == "and embedding:ben/eyes"
    assert face_prompt("a, embedding:ben/eyes", None, [ben]) == "a,"


def test_one_prompt_for_all_or_one_for_each(backbone, image):
    faces = [(LEFT, person(backbone)), (RIGHT, person(backbone, "ben"))]
    shared = compose(backbone, image, faces, prompt="a smiling face")
    each = compose(backbone, image, faces, prompt=["a smiling face", "a smiling face"])
    assert torch.equal(shared.image, each.image)
    with pytest.raises(ConfigError, match="3 prompts for 2 faces"):
        compose(backbone, image, faces, prompt=["a", "b", "c"])


def test_unknown_words_are_named_before_anything_is_painted(backbone, image):
    seen = []
    faces = [(LEFT, person(backbone)), (RIGHT, person(backbone, "ben"))]
    with pytest.raises(ConfigError, match="eve/eyes"):
        compose(
            backbone,
            image,
            faces,
            prompt=["", "embedding:eve/eyes"],
            on_step=lambda *step: seen.append(step),
        )
    assert not seen


# Bad input


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (torch.ones(1, 1, 64, 65), r"65x64.*201x150"),
        (torch.ones(2, 1, 150, 201), "2 masks"),
        (torch.ones(1, 3, 150, 201), "shape"),
        (torch.full((1, 1, 150, 201), math.nan), "NaN"),
    ],
)
def test_unusable_masks_are_named_before_anything_is_painted(backbone, image, mask, said):
    seen = []
    with pytest.raises(MaskError, match=said):
        compose(
            backbone, image, [(LEFT, None), (mask, None)], on_step=lambda *step: seen.append(step)
        )
    assert not seen


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (torch.rand(2, 3, 150, 201), "batch of 2"),
        (torch.rand(1, 4, 150, 201), "shape"),
        (torch.full((1, 3, 150, 201), math.nan), "NaN"),
    ],
)
def test_unusable_pictures_are_named(backbone, picture, said):
    with pytest.raises(ImageError, match=said):
        compose(backbone, picture, [(LEFT, None)])


def test_an_identity_of_another_family_is_refused_by_name(backbone, image):
    stranger = person(backbone, family="sd15")
    with pytest.raises(BackboneMismatchError, match="sd15"):
        compose(backbone, image, [(LEFT, None), (RIGHT, stranger)])


def test_a_face_mask_composes(backbone, image):
    mask = face_mask(FaceAttributes((150, 201), Box(80, 40, 130, 100), 1.0), QUICK)
    result = compose(backbone, image, [(mask, None)])
    assert torch.equal(result.mask > 0, mask >= UNSEEN)
    assert result.notes == ()


def test_a_prompt_with_separators_is_one_for_each_face():
    assert [prompt_for("a man", face) for face in (0, 5)] == ["a man"] * 2
    assert [prompt_for("a man [SEP] [SEP]a woman", face) for face in range(4)] == [
        "a man", "", "a woman", "a woman"
    ]  # fmt: skip
