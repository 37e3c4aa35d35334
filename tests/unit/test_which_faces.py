"""Which faces of a picture are meant: by order, by numbers, by where they are."""

import pytest
import torch

from facea_core.detection.detect import DetectConfig, detect_attributes, detect_chosen
from facea_core.detection.select import FACE_ORDERS, select_faces
from facea_core.errors import ConfigError, MaskError, NoFaceError
from facea_core.types import Box, Detection

SIZE = (200, 300)
# From left to right; by size 1, 2, 0; by score 2, 0, 1; from above 2, 1, 0.
LEFT, MIDDLE, RIGHT = Box(10, 120, 50, 170), Box(90, 60, 170, 160), Box(220, 10, 280, 90)
IMAGE = torch.zeros(1, 3, *SIZE)


class Three:
    """A detector that sees three faces in every picture."""

    name = "three"

    def detect(self, image, phrases):
        scored = ((LEFT, 0.8), (MIDDLE, 0.7), (RIGHT, 0.9))
        return tuple(Detection("face", box, score) for box, score in scored)


def chosen(faces: str = "", on_missing: str = "pass", region=None, **more):
    """The boxes of the faces that are taken, and the notes on the first."""
    config = DetectConfig(
        "face", **{"face_order": "left-to-right", "faces": faces, "on_missing": on_missing, **more}
    )
    (found,) = detect_chosen([IMAGE], Three(), config, regions=region)
    return [face.face for face in found if face.score > 0], [n for f in found for n in f.notes]


def region(*boxes: Box, size=SIZE) -> torch.Tensor:
    mask = torch.zeros(1, 1, *size)
    for x0, y0, x1, y1 in boxes:
        mask[..., y0:y1, x0:x1] = 1
    return mask


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("largest", [MIDDLE, RIGHT, LEFT]),
        ("smallest", [LEFT, RIGHT, MIDDLE]),
        ("left-to-right", [LEFT, MIDDLE, RIGHT]),
        ("right-to-left", [RIGHT, MIDDLE, LEFT]),
        ("top-to-bottom", [RIGHT, MIDDLE, LEFT]),
        ("bottom-to-top", [LEFT, MIDDLE, RIGHT]),
        ("score", [RIGHT, LEFT, MIDDLE]),
    ],
)
def test_faces_are_counted_in_the_order_that_is_asked_for(order, expected):
    assert order in FACE_ORDERS
    found = select_faces(Three().detect(IMAGE, ("face",)), SIZE, order=order)
    assert [face.box for face in found] == expected


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ("0, 2", [LEFT, RIGHT]),
        ("2,0", [RIGHT, LEFT]),
        (" 1 ", [MIDDLE]),
        ("1, 1", [MIDDLE]),
        ("", [LEFT]),
    ],
)
def test_faces_are_taken_by_their_numbers(faces, expected):
    assert chosen(faces)[0] == expected


def test_a_number_that_is_not_there_is_an_error_or_a_note():
    taken, said = chosen("0, 7")
    assert taken == [LEFT]
    assert "3 faces found, number 7 is not there" in said
    with pytest.raises(NoFaceError, match="has 3 faces and number 7 was asked for by faces"):
        chosen("0, 7", "error")
    assert chosen("0, 7", "skip")[0] == []
    assert chosen("5, 7")[0] == []
    with pytest.raises(NoFaceError, match="number 3 was asked for by face_index"):
        chosen(on_missing="error", face_index=3)


@pytest.mark.parametrize("wrong", ["a", "0;2", "-1", "0,,2", "1000", "0, 1,", "²"])
def test_what_is_no_list_of_numbers_is_refused(wrong):
    with pytest.raises(ConfigError, match="numbers from 0 to 99 with commas"):
        DetectConfig("face", faces=wrong)


def test_where_one_face_is_needed_a_list_is_refused():
    with pytest.raises(ConfigError, match="one face per picture"):
        detect_attributes([IMAGE], Three(), DetectConfig("face", faces="0, 1"))
    (face,) = detect_attributes([IMAGE], Three(), DetectConfig("face", faces="1"))
    assert face is not None
    assert face.others == 2


def test_only_faces_in_the_region_are_counted():
    daub = region(Box(100, 80, 150, 140))
    assert chosen(region=[daub])[0] == [MIDDLE]
    assert chosen("0, 1", region=[region(MIDDLE, RIGHT)])[0] == [MIDDLE, RIGHT]
    beside = region(Box(150, 0, 230, 200))
    assert chosen(region=[beside], face_index=-1)[0] == [MIDDLE]
    assert chosen(region=[1 - region(MIDDLE)], face_index=-1)[0] == [LEFT, RIGHT]


def test_a_region_may_be_larger_or_smaller_than_its_picture():
    small = region(Box(45, 30, 85, 80), size=(100, 150))
    assert chosen(region=[small])[0] == [MIDDLE]
    with pytest.raises(MaskError, match="the region is 200x200 pixels and the picture 300x200"):
        chosen(region=[torch.ones(1, 1, 200, 200)])


def test_nobody_in_the_region_is_no_face():
    black = [torch.zeros(1, 1, *SIZE)]
    with pytest.raises(NoFaceError, match="has 3 faces, and none in the region"):
        chosen(on_missing="error", region=black)
    assert chosen(region=black)[0] == []
    with pytest.raises(NoFaceError, match="has 1 face in the region and number 1"):
        chosen("1", "error", region=[region(LEFT)])


def test_each_picture_may_have_a_region_of_its_own():
    config = DetectConfig("face", face_order="left-to-right")
    regions = [region(LEFT), region(RIGHT)]
    one, other = detect_attributes([IMAGE, IMAGE], Three(), config, regions=regions)
    assert one is not None
    assert other is not None
    assert (one.face, other.face) == (LEFT, RIGHT)
    with pytest.raises(MaskError, match="regions for 2 pictures and 3 pictures"):
        detect_chosen([IMAGE] * 3, Three(), config, regions=regions)


def test_only_some_faces_count_and_are_numbered_in_their_order():
    def only(_, faces):
        return [faces[2], faces[0]]

    config = DetectConfig("face", face_order="left-to-right", face_index=-1)
    (found,) = detect_chosen([IMAGE], Three(), config, only=only)
    assert [face.face for face in found] == [RIGHT, LEFT]
    (found,) = detect_chosen([IMAGE], Three(), DetectConfig("face"), only=only)
    assert [face.face for face in found] == [LEFT]


def test_nobody_in_the_picture_is_the_person():
    for on_missing, count in (("skip", 0), ("pass", 1)):
        config = DetectConfig("face", on_missing=on_missing)
        (found,) = detect_chosen([IMAGE], Three(), config, only=lambda *_: ())
        assert len(found) == count
        assert all(face.score == 0 for face in found)
    with pytest.raises(NoFaceError, match="3 faces, and none is that of the person"):
        detect_chosen([IMAGE], Three(), DetectConfig("face"), only=lambda *_: ())
