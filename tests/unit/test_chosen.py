"""Masks of some parts of some faces."""

from __future__ import annotations

import pytest
import torch

from facea_core.composing import chosen_masks, faces_mask, part_names
from facea_core.errors import ConfigError, MaskError, NoFaceError, PartError
from facea_core.types import Box, DetectedFaces, FaceAttributes, Part

SIZE = (96, 160)


def face(left: int, *parts: str, size=SIZE, score: float = 1.0) -> FaceAttributes:
    """A face of 60 by 40 pixels; its parts, each 20 by 8, lie one below the other."""
    boxes = {"eyes": 26, "nose": 40, "mouth": 54}
    found = tuple(
        Part(name, Box(left + 10, boxes[name], left + 30, boxes[name] + 8), 0.9) for name in parts
    )
    return FaceAttributes(size, Box(left, 16, left + 40, 76), score, found)


LEFT, RIGHT = face(10, "eyes", "nose", "mouth"), face(100, "eyes")
PAIR = DetectedFaces("male", ((LEFT, RIGHT),))


def test_only_the_part_is_white():
    (mask,), found, notes = chosen_masks(PAIR, ["mouth"])
    assert mask.shape == (1, 1, *SIZE)
    assert mask[0, 0, 58, 30] == 1
    assert mask[0, 0, 30, 30] == 0
    assert mask[..., 80:].max() == 0
    assert found == ("head", "face", "eyes", "nose", "mouth")
    assert notes == []


@pytest.mark.parametrize(("wanted", "sides"), [(None, (1, 1)), ([0], (1, 0)), ([1], (0, 1))])
def test_faces_are_chosen_by_their_numbers(wanted, sides):
    (mask,), _, _ = chosen_masks(PAIR, ["eyes"], wanted)
    assert (mask[..., :80].max(), mask[..., 80:].max()) == sides


def test_a_head_is_what_composing_repaints_and_a_face_lies_in_its_box():
    (head,), _, _ = chosen_masks(PAIR, ["head"], grow=0.1, feather=0.08)
    assert torch.equal(head, faces_mask(PAIR.faces[0], SIZE))
    (alone,), _, _ = chosen_masks(PAIR, ["face"])
    assert alone[..., 77:, :].max() == 0
    assert alone[0, 0, 46, 30] == 1
    assert alone.sum() < head.sum()


def test_several_parts_are_their_union_and_grow():
    both, eyes, mouth = (
        chosen_masks(PAIR, names, [0])[0][0] for names in (["eyes", "mouth"], ["eyes"], ["mouth"])
    )
    assert torch.equal(both, torch.maximum(eyes, mouth))
    (grown,), _, _ = chosen_masks(PAIR, ["eyes"], [0], grow=0.5)
    assert grown.sum() > eyes.sum()


def test_a_picture_without_the_part_is_black_and_named():
    found = DetectedFaces("male", ((LEFT,), (), (RIGHT,)))
    masks, _, notes = chosen_masks(found, ["mouth"])
    assert [float(mask.max()) for mask in masks] == [1, 0, 0]
    assert [note.split(":")[0] for note in notes] == ["picture 2", "picture 3"]
    assert "no mouth" in notes[0]


def test_what_nobody_has_is_an_error_that_names_it():
    with pytest.raises(PartError, match=r"no hair, no beard was found.*found: head, face, eyes"):
        chosen_masks(PAIR, ["eyes", "hair", "beard"])
    with pytest.raises(NoFaceError, match=r"no face number 2 .*1 pictures"):
        chosen_masks(PAIR, ["eyes"], [2])
    nobody = DetectedFaces("male", ((face(0, score=0.0),), ()))
    with pytest.raises(NoFaceError, match="in any of the 2 pictures"):
        chosen_masks(nobody, ["head"])
    with pytest.raises(MaskError, match="2 different sizes"):
        chosen_masks(DetectedFaces("male", ((LEFT,), (face(5, size=(90, 90)),))), ["face"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("eyes", ("eyes",)),
        (" Eyes, mouth ,eyes,", ("eyes", "mouth")),
        ("head, hair", ("head", "hair")),
        ("female", ("eyes", "nose", "mouth", "hair")),
    ],
)
def test_a_comma_list_is_read(text, names):
    assert part_names(text) == names


@pytest.mark.parametrize(
    ("text", "said"), [("", "parts is empty"), (" , ", "parts is empty"), ("eye", "'eyes'")]
)
def test_a_list_of_nothing_known_is_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        part_names(text)
