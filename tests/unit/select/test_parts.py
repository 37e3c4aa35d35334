"""Which candidates are the parts of a face, and which faces are taken."""

import math

import pytest

from facea_core.attributes import attribute_table
from facea_core.detection.select import PRIORS, select, select_faces, select_parts
from facea_core.errors import ConfigError
from facea_core.types import Box, Detection

from .boxes import FACE, SIZE, halves, part_at


@pytest.mark.parametrize("name", PRIORS)
def test_the_usual_box_is_taken_and_the_same_one_beside_the_face_is_not(name):
    box = part_at(name)
    table = attribute_table([name])
    right = Detection(name, box, 0.5)
    wrong = Detection(name, box.shift(2 * FACE.width, 0), 1.0)
    assert select_parts([wrong, right], FACE, table)[0].box == box
    assert select_parts([wrong], FACE, table) == ()


@pytest.mark.parametrize("name", ["eyes", "eyebrows"])
def test_left_and_right_are_joined(name):
    whole = part_at(name)
    left, right = halves(whole)
    table = attribute_table([name])
    pair = [Detection(name, left, 0.8), Detection(name, right, 0.6)]
    part = select_parts(pair, FACE, table)[0]
    assert part.box == whole
    assert part.score == pytest.approx(0.7)
    # A box around both is as good, and duplicates of one half do not pair up.
    assert select_parts([Detection(name, whole, 0.7)], FACE, table)[0].box == whole
    twice = [*pair, Detection(name, left.shift(1, 0), 0.9), Detection(name, left.shift(0, 1), 0.9)]
    assert select_parts(twice, FACE, table)[0].box.iou(whole) > 0.8


def square(box):
    return ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1))


def eye(x, y, score=0.8):
    """An eye about (x, y), where FACE has its eyes at about (48, 66) and (72, 66)."""
    box = Box(round(x - 8), round(y - 4), round(x + 8), round(y + 4))
    return Detection("eyes", box, score, outlines=(square(box),))


def test_outlines_travel_with_what_is_chosen():
    table = attribute_table("face, eyes, nose, mouth")
    nose = Detection("nose", part_at("nose"), 0.6, outlines=(square(part_at("nose")),))
    face = Detection("face", FACE, 0.9, outlines=(square(FACE),))
    far = Detection("nose", FACE.shift(200, 0), 1.0, outlines=(square(FACE),))
    left, right = eye(48, 66), eye(72, 66)
    found = [far, nose, face, left, right, Detection("mouth", part_at("mouth"), 0.5)]
    parts = {part.attribute: part for part in select_parts(found, FACE, table)}
    assert parts["nose"].outlines == nose.outlines
    assert parts["face"].outlines == face.outlines
    assert parts["eyes"].outlines == (*left.outlines, *right.outlines)
    assert parts["mouth"].outlines == ()
    # An outline of one eye would hide the other one.
    bare = [left, Detection("eyes", right.box, 0.8)]
    assert select_parts(bare, FACE, attribute_table("eyes"))[0].outlines == ()


@pytest.mark.parametrize("angle", [-20, -7, 0, 3, 15])
def test_the_roll_is_the_turn_of_the_eyes(angle):
    dx, dy = (20 * f(math.radians(angle)) for f in (math.cos, math.sin))
    pair = [eye(60 - dx, 66 - dy), eye(60 + dx, 66 + dy)]
    table = attribute_table("nose, eyes")
    roll = select(pair, FACE, table).roll
    assert roll == pytest.approx(angle, abs=2)
    # A box around both hides the turn, the two inside it tell it, whichever is chosen.
    both = Detection("eyes", pair[0].box.join(pair[1].box), 0.95)
    assert select([both, *pair], FACE, table).roll == roll
    assert select([both], FACE, table).roll is None
    assert select(pair[:1], FACE, table).roll is None
    assert select(pair, FACE, attribute_table("nose")).roll is None


def test_a_pair_elsewhere_says_nothing_about_the_roll_of_what_was_chosen():
    both = Detection("eyes", part_at("eyes"), 0.9)
    low = [eye(52, 80, 0.3), eye(70, 92, 0.3)]
    assert select([both, *low], FACE, attribute_table("eyes")).roll is None


def around(x, y, width, height, face=FACE):
    """A box by its centre and size in units of the face."""
    return Box(
        round(face.x0 + (x - width / 2) * face.width),
        round(face.y0 + (y - height / 2) * face.height),
        round(face.x0 + (x + width / 2) * face.width),
        round(face.y0 + (y + height / 2) * face.height),
    )


def test_what_lies_where_another_part_is_looks_elsewhere_or_is_none():
    eyes, brows = around(0.5, 0.39, 0.7, 0.16), around(0.5, 0.24, 0.8, 0.12)
    both = attribute_table("eyes, eyebrows")
    found = [Detection("eyes", eyes, 0.6), Detection("eyebrows", eyes.shift(1, 0), 0.9)]
    parts = {part.attribute: part.box for part in select_parts(found, FACE, both)}
    assert parts == {"eyes": eyes}
    found.append(Detection("eyebrows", brows, 0.3))
    parts = {part.attribute: part.box for part in select_parts(found, FACE, both)}
    assert parts == {"eyes": eyes, "eyebrows": brows}
    # Glasses do lie where the eyes are.
    found = [Detection("eyes", eyes, 0.6), Detection("glasses", eyes.shift(1, 0), 0.9)]
    assert len(select_parts(found, FACE, attribute_table("eyes, glasses"))) == 2


def test_eyes_nose_and_mouth_are_chosen_so_that_their_levels_fit():
    eyes, brows = around(0.5, 0.42, 0.7, 0.16), around(0.5, 0.32, 0.7, 0.16)
    found = [
        Detection("eyes", eyes, 0.6),
        Detection("eyes", brows, 0.8),
        Detection("nose", around(0.5, 0.54, 0.3, 0.28), 0.7),
        Detection("mouth", around(0.5, 0.78, 0.45, 0.16), 0.7),
    ]
    alone, *_ = select_parts(found, FACE, attribute_table("eyes"))
    together, *_ = select_parts(found, FACE, attribute_table("eyes, nose, mouth"))
    assert alone.box == brows
    assert together.box == eyes
    assert select_parts(found[::-1], FACE, attribute_table("eyes, nose, mouth"))[0].box == eyes


def test_the_face_and_the_whole_person_are_no_parts():
    person = Box(FACE.x0 - 40, FACE.y0 - 20, FACE.x1 + 40, FACE.y1 + 300)
    for name in PRIORS:
        found = [Detection(name, box, 1.0) for box in (FACE, FACE.shift(2, 1), person)]
        assert select_parts(found, FACE, attribute_table([name])) == ()


def test_one_half_in_a_turned_head_is_not_taken_for_both():
    left, right = around(0.3, 0.27, 0.48, 0.12), around(0.75, 0.30, 0.3, 0.12)
    found = [Detection("eyebrows", left, 0.9), Detection("eyebrows", right, 0.5)]
    (part,) = select_parts(found, FACE, attribute_table("eyebrows"))
    assert part.box == left.join(right)


def test_an_outline_without_corners_is_no_outline():
    pair = [Detection("eyes", box, 0.8, outlines=((),)) for box in halves(part_at("eyes"))]
    assert select(pair, FACE, attribute_table("eyes")).roll == pytest.approx(0, abs=2)


def test_one_half_alone_is_taken_only_if_there_is_nothing_else():
    whole = part_at("eyes")
    left, _ = halves(whole)
    table = attribute_table("eyes")
    alone = Detection("eyes", left, 0.9)
    assert select_parts([alone], FACE, table)[0].box == left
    assert select_parts([alone, Detection("eyes", whole, 0.4)], FACE, table)[0].box == whole


def test_each_person_gets_their_own_parts():
    other = FACE.shift(100, 5)
    found = [Detection("nose", part_at("nose", face), 0.9) for face in (other, FACE)]
    for face in (FACE, other):
        assert select_parts(found, face, attribute_table("nose"))[0].box == part_at("nose", face)


def test_the_answer_has_the_order_of_the_table_and_not_of_the_detections():
    names = ["mouth", "face", "nose", "eyes"]
    found = [Detection(name, part_at(name), 0.9) for name in ("eyes", "nose", "mouth")]
    found.append(Detection("face", FACE, 0.8))
    parts = select_parts(found, FACE, attribute_table(names))
    assert [part.attribute for part in parts] == names
    assert parts[1].box == FACE
    assert parts[1].score == 0.8
    again = select_parts(found[::-1], FACE, attribute_table(names))
    assert [part.box for part in again] == [part.box for part in parts]


def test_estimates_are_marked_and_empty_boxes_ignored():
    hair = Detection("hair", part_at("hair"), 0.4, estimated=True)
    assert select_parts([hair], FACE, attribute_table("hair"))[0].estimated
    assert (
        select_parts([Detection("nose", Box(5, 5, 5, 9), 1)], FACE, attribute_table("nose")) == ()
    )
    assert select_parts([], FACE, attribute_table("nose")) == ()
    nose = Detection("nose", part_at("nose"), 0.9)
    assert select_parts([nose], Box(0, 0, 0, 0), attribute_table("nose")) == ()


FACES = (
    Detection("face", Box(70, 10, 120, 70), 0.6),
    Detection("face", Box(5, 5, 35, 45), 0.9),
    Detection("face", Box(40, 60, 65, 90), 0.7),
)


@pytest.mark.parametrize(
    ("order", "wanted"),
    [("largest", [0, 1, 2]), ("left-to-right", [1, 2, 0]), ("score", [1, 2, 0])],
)
def test_faces_are_ordered_whatever_order_they_came_in(order, wanted):
    for found in (FACES, FACES[::-1]):
        assert select_faces(found, SIZE, order=order) == tuple(FACES[i] for i in wanted)


def test_faces_lose_duplicates_weak_ones_and_impossible_ones():
    doubles = [Detection("face", face.box.shift(2, 1), face.score - 0.1) for face in FACES]
    bad = [
        Detection("face", Box(100, 100, 104, 104), 1.0),
        Detection("face", Box(0, 118, 128, 128), 1.0),
        Detection("face", Box(120, 60, 160, 100), 1.0),
        Detection("nose", Box(80, 80, 120, 120), 1.0),
        Detection("face", Box(90, 90, 120, 120), 0.2),
    ]
    assert select_faces([*doubles, *bad, *FACES], SIZE, threshold=0.3) == select_faces(FACES, SIZE)
    inside = Detection("face", Box(80, 20, 100, 50), 0.3)
    assert inside not in select_faces([*FACES, inside], SIZE)


def test_a_face_cut_by_the_border_keeps_its_whole_box():
    cut = Detection("face", Box(-20, 30, 40, 110), 0.8)
    assert select_faces([cut], SIZE) == (cut,)


def test_an_unknown_order_is_refused():
    with pytest.raises(ConfigError, match="'biggest'.*largest"):
        select_faces(FACES, SIZE, order="biggest")
