"""What is drawn for a ControlNet, of which faces, and where."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from facea_core.composing import faces_mask
from facea_core.errors import ConfigError, ImageError, NoFaceError, PartError
from facea_core.hints import (
    KINDS,
    FaceShape,
    HintConfig,
    draw_hints,
    hint_json,
    person_shape,
    shape_of,
)
from facea_core.hints.draw import draw_dots, draw_keypoints
from facea_core.hints.shape import blended
from facea_core.types import Box, Part

from .known import BOXES, SIZE, face, found, other_face, pictures, points_shape

FIVE = np.array([[75.0, 70], [105, 72], [90, 85], [78, 102], [103, 104]])
LINES = HintConfig(hair=True)


def lines_of(attributes, config=LINES, person: FaceShape | None = None) -> Tensor:
    (hint,) = draw_hints(pictures(size=attributes.size), found([attributes]), config, person)
    return hint.image


def pixel(canvas: Tensor, at) -> list[float]:
    return canvas[:, int(at[1]), int(at[0])].tolist()


def test_keypoints_are_instant_ids_in_colour_and_place():
    canvas = torch.zeros(3, *SIZE)
    draw_keypoints(canvas, points_shape(FIVE))
    colours = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1]]
    assert [pixel(canvas, at) for at in FIVE] == colours
    for number in (0, 1, 3, 4):
        middle = pixel(canvas, (FIVE[number] + FIVE[2]) / 2)
        assert middle == pytest.approx([0.6 * value for value in colours[number]], abs=0.35)
        assert middle.index(max(middle)) in [i for i, v in enumerate(colours[number]) if v]
    assert canvas[:, :60].sum() == 0


def test_keypoints_grow_with_the_face():
    small, large = torch.zeros(3, *SIZE), torch.zeros(3, 480, 600)
    shape = points_shape(FIVE)
    draw_keypoints(small, shape)
    draw_keypoints(large, replace(shape, box=shape.box.scale(3, 3), points=3 * shape.points))
    assert float(large.sum()) == pytest.approx(9 * float(small.sum()), rel=0.03)


def test_dots_are_white_and_one_for_each_point():
    points = np.stack([np.arange(70) % 10 * 12 + 20.5, np.arange(70) // 10 * 12 + 20.5], axis=1)
    canvas = torch.zeros(3, *SIZE)
    draw_dots(canvas, FaceShape(BOXES["face"], {}, {}, points))
    assert all(pixel(canvas, at) == [1, 1, 1] for at in points)
    assert (canvas[0] > 0.5).sum() == 70 * (canvas[0, 14:27, 14:27] > 0.5).sum()


def test_lines_follow_the_outlines_and_are_as_wide_as_the_face_tells():
    attributes = face()
    drawn = lines_of(attributes)[0, 0]
    width = 80 / 32
    for name, outlines in shape_of(attributes).outlines.items():
        for outline in outlines:
            assert all(drawn[int(y), int(x)] > 0.5 for x, y in outline), name
    length = sum(
        np.hypot(*(np.roll(one, -1, axis=0) - one).T).sum()
        for some in shape_of(attributes).outlines.values()
        for one in some
    )
    assert 0.8 * length * width < float(drawn.sum()) <= length * width + 1


def test_both_eyes_and_both_eyebrows_have_an_outline_also_in_one_box():
    shape = shape_of(face(roll=5.0))
    for name in ("eyes", "eyebrows"):
        left, right = shape.outlines[name]
        assert left[:, 0].max() < right[:, 0].min()
        assert left[:, 1].mean() < right[:, 1].mean()
        box = BOXES[name]
        low = np.minimum(left.min(axis=0), right.min(axis=0))
        high = np.maximum(left.max(axis=0), right.max(axis=0))
        assert np.allclose([*low, *high], box, atol=1)


@pytest.mark.parametrize("roll", [-25.0, -8.0, 0.0, 12.0])
def test_a_turned_face_has_turned_outlines_in_the_same_boxes(roll):
    for name, outlines in shape_of(face(roll=roll)).outlines.items():
        ring = np.concatenate(outlines)
        box = BOXES[name]
        assert np.allclose([*ring.min(axis=0), *ring.max(axis=0)], box, atol=0.06 * 80), name
    (outline,) = shape_of(face(roll=roll)).outlines["face"]
    out = outline - outline.mean(axis=0)
    axis = np.linalg.eigh(out.T @ out)[1][:, 1]
    axis = axis * np.sign(axis[1])
    # The long side of the face lies across its eyes.
    assert np.degrees(np.arctan2(-axis[0], axis[1])) == pytest.approx(roll, abs=1)


def test_the_one_eye_of_a_profile_has_one_outline():
    (eye,) = shape_of(face({**BOXES, "eyes": Box(70, 66, 88, 76)})).outlines["eyes"]
    assert np.ptp(eye, axis=0) == pytest.approx((18, 10), abs=0.3)


def test_hair_is_drawn_if_it_is_asked_for():
    top = BOXES["hair"].y0
    assert lines_of(face())[..., : top + 3, :].sum() > 0
    assert lines_of(face(), HintConfig())[..., : top + 3, :].sum() == 0


def flipped(attributes):
    def over(box: Box) -> Box:
        return Box(attributes.size[1] - box.x1, box.y0, attributes.size[1] - box.x0, box.y1)

    parts = tuple(replace(part, box=over(part.box)) for part in attributes.parts)
    return replace(attributes, face=over(attributes.face), parts=parts, roll=-attributes.roll)


def test_the_hint_of_a_flipped_image_is_the_flipped_hint():
    for roll in (0.0, 5.0):
        one = face(roll=roll)
        assert torch.allclose(lines_of(flipped(one)), lines_of(one).flip(3), atol=0.06)


def test_the_hint_of_a_larger_image_is_the_larger_hint():
    boxes = {name: box.scale(3, 3) for name, box in BOXES.items()}
    large = lines_of(face(boxes, (480, 600)))
    small = torch.nn.functional.interpolate(large, SIZE, mode="area")
    assert (small - lines_of(face())).abs().sum() < 0.05 * small.sum()


@pytest.mark.parametrize("kind", ["lines", "edges", "lines and edges"])
@pytest.mark.parametrize("shift", [(-80, 0), (90, 70), (-60, -50)])
def test_a_face_partly_outside_is_drawn_as_far_as_it_goes(kind, shift):
    boxes = {name: box.shift(*shift) for name, box in BOXES.items()}
    parts = tuple(
        Part(name, box.clip(SIZE), 0.9, outlines=(((box.x0, box.y0), (box.x1, box.y0), box[2:]),))
        for name, box in boxes.items()
    )
    cut = face(boxes, face=boxes["face"].clip(SIZE), parts=parts)
    (hint,) = draw_hints(pictures(), found([cut]), HintConfig(kind))
    assert hint.image.shape == (1, 3, *SIZE)
    assert 0 <= hint.image.min() <= hint.image.max() <= 1
    assert (hint.image.max() > 0) == (kind != "edges")


def test_a_batch_keeps_its_length_and_two_faces_are_both_drawn():
    left, right = face(), other_face()
    apart = replace(right, face=right.face.shift(60, 0))
    hints = list(draw_hints(pictures(3), found([left], [], [left, apart]), LINES))
    assert [len(hint.shapes) for hint in hints] == [1, 0, 2]
    assert hints[1].image.max() == hints[1].mask.max() == 0
    assert hints[1].notes == ("picture 2: no face was found, so its hint is black",)
    alone = lines_of(left).maximum(lines_of(apart))
    assert torch.equal(hints[2].image, alone)
    (second,) = draw_hints(pictures(), found([left, apart]), LINES, wanted=[1])
    assert torch.equal(second.image, lines_of(apart))
    assert hint_json(second)["faces"][0]["outlines"] == list(BOXES)
    (nobody,) = draw_hints(pictures(), found([left]), LINES, wanted=[4])
    assert "no face of these numbers" in nobody.notes[0]


def noise() -> Tensor:
    return torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))


def test_an_erased_head_has_no_edge_and_a_kept_one_has():
    image, heads = noise(), faces_mask([face()], SIZE)
    whole, erased, kept, both = (
        next(draw_hints([image], found(faces), config)).image
        for faces, config in (
            ([], HintConfig("edges")),
            ([face()], HintConfig("edges")),
            ([face()], HintConfig("edges", head="kept")),
            ([face()], HintConfig("lines and edges")),
        )
    )
    assert erased[(heads > 0).expand_as(erased)].max() == 0
    assert torch.equal(erased, torch.where(heads > 0, 0, whole))
    assert torch.equal(kept, whole)
    assert torch.equal(both, erased.maximum(lines_of(face(), HintConfig())))


def person(config: HintConfig) -> FaceShape:
    shape = person_shape(found([], [other_face()]), None, config)
    assert shape is not None
    return shape


def test_blend_0_is_the_image_and_1_the_person_and_between_it_is_monotone():
    one, somebody = shape_of(face()), person(HintConfig(blend=1.0))
    shares = [0.0, 0.25, 0.5, 0.75, 1.0]
    steps = [blended(one, somebody, share).outlines for share in shares]
    for name, outlines in one.outlines.items():
        for k, ring in enumerate(outlines):
            at = [step[name][k] for step in steps]
            assert np.array_equal(at[0], ring)
            far = [np.abs(step - ring).sum() for step in at]
            assert far == pytest.approx([share * far[-1] for share in shares])
    widths = [np.ptp(step["nose"][0][:, 0]) for step in steps]
    assert widths == sorted(widths)
    assert torch.equal(lines_of(face(), HintConfig(hair=True), somebody), lines_of(face()))


def test_a_face_blended_with_itself_stays_wherever_it_came_from():
    boxes = {name: box.scale(2, 2).shift(9, -14) for name, box in BOXES.items()}
    same = shape_of(face(boxes, (400, 500)))
    for share in (0.5, 1.0):
        made = lines_of(face(), HintConfig(hair=True, blend=share), same)
        assert (made - lines_of(face())).abs().max() < 0.1


def test_the_points_of_a_person_are_moved_onto_the_image():
    turn = np.array([[0.0, -2.0], [2.0, 0.0]])
    there = points_shape(FIVE @ turn.T + (300, 40))
    here = points_shape(FIVE)
    made = blended(here, there, 1.0)
    assert made.points is not None
    assert np.allclose(made.points, here.points)


def test_what_only_one_of_them_shows_is_drawn_as_it_is_there():
    bald = face({name: box for name, box in BOXES.items() if name not in ("hair", "eyebrows")})
    made = blended(shape_of(bald), shape_of(face()), 0.5)
    assert set(made.outlines) == set(BOXES)
    assert np.allclose(made.outlines["hair"][0], shape_of(face()).outlines["hair"][0], atol=1e-6)


def test_the_mask_is_composings_own_and_grows_where_the_person_is_wider():
    (plain,) = draw_hints(pictures(), found([face()]))
    own = faces_mask([face()], SIZE)
    assert torch.equal(plain.mask, own)
    config = HintConfig(blend=1.0)
    (grown,) = draw_hints(pictures(), found([face()]), config, person(config))
    assert (grown.mask >= own).all()
    assert (grown.mask >= 0.5).sum() > (own >= 0.5).sum()
    inside = grown.image[0, :1] > 0.5
    assert grown.mask[0][inside].min() >= 0.5


def test_a_mask_that_was_drawn_gives_the_outline():
    mask = torch.zeros(1, 1, *SIZE)
    mask[..., 74:92, 83:97] = 1
    drawn = tuple(
        replace(part, mask=mask) if part.attribute == "nose" else part for part in face().parts
    )
    (nose,) = shape_of(face(parts=drawn)).outlines["nose"]
    assert np.allclose(nose.min(axis=0), (83, 74), atol=0.5)
    assert np.allclose(nose.max(axis=0), (97, 92), atol=0.5)


@pytest.mark.parametrize("kind", ["keypoints", "openpose"])
def test_a_face_without_points_says_which_kinds_work(kind):
    drawn = draw_hints(pictures(), found([face(detector="tiny")]), HintConfig(kind))
    with pytest.raises(PartError, match=r"tiny at \(60, 40.*kind lines, edges"):
        next(drawn)


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_fit_is_refused(kind):
    config = HintConfig(kind, blend=0.5)
    with pytest.raises(ConfigError, match=r"blend is 0.5.*set blend to 0"):
        person_shape(None, None, config)
    with pytest.raises(ImageError, match="1 photos.*searched in 2"):
        person_shape(found([], [face()]), pictures(), config)
    if not config.by_points:
        with pytest.raises(NoFaceError, match="none of the 1 photos"):
            person_shape(found([face(score=0.0)]), None, config)
    with pytest.raises(ImageError, match="2 pictures.*searched in 1"):
        draw_hints(pictures(2), found([face()]), config)
    with pytest.raises(ImageError, match=r"picture 1 is \(160, 100\)"):
        next(draw_hints(pictures(size=(160, 100)), found([face()]), config))
    with pytest.raises(ConfigError, match="blend"):
        HintConfig(kind, blend=1.5)
