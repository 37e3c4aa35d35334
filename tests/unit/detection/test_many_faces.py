"""Pictures of several faces: all of them, their masks, the photos that training takes."""

from dataclasses import replace

import pytest
import torch

from facea_core.attributes import attribute_table
from facea_core.detection.detect import (
    DetectConfig,
    detect_attributes,
    detect_chosen,
    part_masks,
)
from facea_core.detection.found import found_together, photos_with_faces, so_many
from facea_core.errors import ConfigError, ImageError, NoFaceError
from facea_core.io.images import glance
from facea_core.masks import part_mask
from facea_core.types import Box, DetectedFaces, FaceAttributes, Part

from .known import two_people


def test_every_face_of_every_picture_and_never_fewer_answers(painting):
    image, detector = two_people(painting)
    empty = torch.zeros(1, 3, 64, 64)

    class Sometimes:
        name = "known"

        def detect(self, picture, phrases):
            return detector.detect(picture, phrases) if picture.shape == image.shape else ()

    config = DetectConfig("mouth", face_order="left-to-right", face_index=-1, on_missing="skip")
    found = detect_chosen([image, empty, image], Sometimes(), config)
    assert [len(faces) for faces in found] == [2, 0, 2]
    assert [face.face.x0 < 128 for face in found[0]] == [True, False]
    with pytest.raises(NoFaceError, match="image 2 of 3"):
        detect_chosen([image, empty, image], Sometimes(), replace(config, on_missing="error"))
    with pytest.raises(ConfigError, match="face_index"):
        detect_attributes([image], detector, config)


def test_of_many_faces_one_without_a_part_stays(painting):
    image, detector = two_people(painting)
    (faces,) = detect_chosen([image], detector, DetectConfig("beard", face_index=-1))
    assert len(faces) == 2
    assert "not found: beard" in faces[0].notes


def test_a_part_mask_is_that_part_of_all_faces_and_nothing_else():
    drawn = torch.zeros(1, 1, 40, 60)
    drawn[..., 20:22, 30:33] = 0.5
    left = FaceAttributes(
        (40, 60),
        Box(0, 0, 20, 30),
        0.9,
        (Part("eyes", Box(2, 5, 12, 9), 0.9), Part("nose", Box(6, 10, 9, 14), 0.9)),
    )
    right = FaceAttributes(
        (40, 60), Box(25, 0, 50, 30), 0.9, (Part("eyes", Box(28, 18, 40, 24), 0.9, drawn),)
    )
    image, table = torch.rand(2, 3, 40, 60)[:1], attribute_table("nose, eyes, mouth")
    nose, eyes, mouth = part_masks(image, [left, right], table)
    for mask in (nose, eyes, mouth):
        assert mask.shape == (1, 1, 40, 60)
        assert mask.dtype == torch.float32
    # The user's own mask as it was drawn, beside the rounded shape of the other face's eyes.
    assert torch.equal(eyes[..., 25:], drawn[..., 25:])
    assert torch.equal(eyes[..., :25], part_mask(left.parts[0], (40, 60))[..., :25])
    assert torch.equal(nose, part_mask(left.parts[1], (40, 60)))
    assert not mouth.any()
    # A mask and a box of the same part are one.
    both = part_masks(image, [right, replace(left, parts=(Part("eyes", right.face, 0.9),))], table)
    assert both[1][..., 4:26, 29:46].min() == 1
    assert not any(mask.any() for mask in part_masks(image, [], table))
    wide = part_masks(image, [left], table, grow=0.1, feather=0.1)[0]
    assert (wide >= nose).float().mean() > 0.99
    assert wide.sum() > nose.sum()
    assert drawn.max() == 0.5


def some_face(x0: int, score: float = 0.9) -> FaceAttributes:
    return FaceAttributes((40, 60), Box(x0, 5, x0 + 20, 30), score)


def test_photos_are_the_pictures_with_their_first_face_and_the_others_are_told():
    images = list(torch.rand(4, 3, 40, 60).split(1))
    whole = some_face(0, score=0.0)  # what "pass" answers where there is no face
    faces = ((some_face(1), some_face(30)), (), (whole,), ())
    photos, notes = photos_with_faces(images, DetectedFaces("male", faces))
    assert [photo.name for photo in photos] == ["photo 1", "photo 3"]
    assert photos[0].image is images[0]
    assert photos[1].image is images[2]
    assert photos[0].attributes is faces[0][0]
    assert photos[1].attributes is whole
    assert [note.split(":")[0] for note in notes] == ["photo 2 left out", "photo 4 left out"]
    assert so_many(len(photos), len(images)) == "2 of 4 photos"
    assert [so_many(count, count) for count in (1, 3)] == ["1 photo", "3 photos"]


@pytest.mark.parametrize(("pictures", "searched"), [(2, 3), (3, 1), (1, 0)])
def test_faces_of_other_pictures_are_refused(pictures: int, searched: int):
    images = [torch.zeros(1, 3, 40, 60)] * pictures
    found = DetectedFaces("male", ((some_face(1),),) * searched)
    with pytest.raises(ImageError, match=f"{pictures} pictures.*searched in {searched}"):
        photos_with_faces(images, found)


def test_photos_of_which_others_were_searched_are_refused():
    images = [torch.rand(1, 3, 5, 7).repeat_interleave(8, 2).repeat_interleave(9, 3)
              for _ in range(2)]  # fmt: skip
    glances = tuple(glance(image) for image in images)
    found = DetectedFaces("male", ((some_face(1),), (some_face(2),)), glances)
    assert len(photos_with_faces(images, found)[0]) == 2
    with pytest.raises(ImageError, match="photo 1 was found in another picture"):
        photos_with_faces(images[::-1], found)
    joined = found_together([found, found])
    assert len(joined.glances) == 4
    assert found_together([found, DetectedFaces("male", ((),))]).glances == ()


def test_what_was_found_in_several_batches_is_put_together_in_order():
    some = [((some_face(1),), ()), ((some_face(2), some_face(30)),)]
    joined = found_together([DetectedFaces("male", faces) for faces in some])
    assert (joined.attributes, joined.faces) == ("male", (*some[0], *some[1]))
    with pytest.raises(ConfigError, match="2 different tables.*male; eyes"):
        found_together([DetectedFaces("male", some[0]), DetectedFaces("eyes", some[1])])


def test_no_photo_left_is_an_error():
    images = [torch.zeros(1, 3, 40, 60)] * 2
    with pytest.raises(NoFaceError, match="none of the 2 photos.*on_missing"):
        photos_with_faces(images, DetectedFaces("male", ((), ())))


def test_only_faces_that_were_seen_are_counted():
    faces = ((some_face(1), some_face(30)), (), (some_face(0, score=0.0),), (some_face(2),))
    assert DetectedFaces("male", faces).count == 3
    assert DetectedFaces("male", ()).count == 0
