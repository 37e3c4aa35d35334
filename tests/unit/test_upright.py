"""Crops: level, square, and with their boxes where the parts are."""

import math
from dataclasses import replace

import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from facea_core.audit.upright import Turn, crop_photos, upright_crop, upright_photo
from facea_core.detection.detect import detect_faces
from facea_core.detection.landmarks import LandmarksDetector
from facea_core.detection.pose import roll_of
from facea_core.dlib_models import landmarks_available
from facea_core.errors import ConfigError, ImageError
from facea_core.io.images import from_pil, resize
from facea_core.synthetic.parameters import SCENE
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.types import Box, FaceAttributes, Part

SIDE = 96


def disc(x, y, radius, size=(200, 240)):
    """A white disc on black, `(1, 3, H, W)`."""
    down, across = torch.meshgrid(torch.arange(size[0]) + 0.5, torch.arange(size[1]) + 0.5,
                                  indexing="ij")  # fmt: skip
    inside = ((across - x) ** 2 + (down - y) ** 2).sqrt() < radius
    return inside.float().expand(1, 3, -1, -1).clone()


def center_of(image):
    weights = image[0, 0]
    down = torch.arange(image.shape[2]) + 0.5
    across = torch.arange(image.shape[3]) + 0.5
    total = weights.sum()
    return float((weights.sum(0) * across).sum() / total), float((weights.sum(1) * down).sum()
                                                                / total)  # fmt: skip


@pytest.mark.parametrize("roll", [-40.0, 0.0, 17.0, 90.0])
@pytest.mark.parametrize("span", [50.0, 130.0, 400.0])
def test_points_and_pixels_go_the_same_way(roll, span):
    turn = Turn(120.0, 90.0, span, roll, SIDE)
    image = disc(126.0, 84.0, 8.0)
    found = center_of(turn.sample(image))
    assert found == pytest.approx(turn.forward(126.0, 84.0), abs=0.3)


def test_a_level_crop_of_the_same_size_is_the_photo_itself():
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    same = Turn(20.0, 20.0, 40.0, 0.0, 40).sample(image)
    torch.testing.assert_close(same, image, atol=1e-5, rtol=0)


def test_reducing_does_not_alias():
    stripes = (torch.arange(400) % 2).float().expand(1, 3, 400, 400)
    small = Turn(200.0, 200.0, 400.0, 10.0, 50).sample(stripes)
    assert small[..., 10:40, 10:40].sub(0.5).abs().max() < 0.12


def test_outside_the_border_is_repeated():
    image = torch.zeros(1, 3, 20, 20)
    image[..., :10] = 1
    wide = Turn(10.0, 10.0, 60.0, 0.0, 60).sample(image)
    torch.testing.assert_close(wide[..., :28], torch.ones(1, 3, 60, 28))
    torch.testing.assert_close(wide[..., 32:], torch.zeros(1, 3, 60, 28))


def turned_painting(degrees):
    """A painted face with a roll, its photo larger, with true boxes."""
    generator = torch.Generator().manual_seed(8)
    scene = sample_scenes(1, generator)
    scene[:, SCENE.index("roll")] = 0.5 + math.radians(degrees) / 0.28
    photo = paint(sample_people(1, generator), scene, 256)
    boxes = photo.boxes[0]
    parts = tuple(Part(name, Box(*boxes[name]), 0.9) for name in ("eyes", "nose", "mouth"))
    return photo.image, FaceAttributes((256, 256), Box(*boxes["face"]), 0.9, parts)


@pytest.mark.parametrize("degrees", [-7.0, 0.0, 7.0])
def test_a_rolled_face_comes_out_level(degrees):
    image, face = turned_painting(degrees)
    assert roll_of(face) == pytest.approx(degrees, abs=2.5)
    crop, seen = upright_photo(image, face, 128)
    assert crop.shape == (1, 3, 128, 128)
    assert seen.size == (128, 128)
    assert abs(roll_of(seen)) < 1.5
    level, _ = upright_photo(image, face, 128, upright=False)
    assert (level - crop).abs().mean() > (0.005 if degrees else -1)


@pytest.mark.skipif(not landmarks_available(), reason="needs dlib and its models")
@pytest.mark.parametrize("degrees", [-15.0, 12.0])
def test_a_photograph_turned_is_measured_and_levelled(degrees):
    """The square of a photo turned against the clock shows a face turned with it."""
    photo = from_pil(Image.fromarray(astronaut()))
    detector, (face,) = LandmarksDetector(), detect_faces(photo, LandmarksDetector())
    turned = Turn(*face.face.center, 300.0, -degrees, 400).sample(photo)
    (found,) = detect_faces(turned, detector)
    assert roll_of(found) - roll_of(face) == pytest.approx(degrees, abs=3.0)
    (level,) = detect_faces(upright_crop(turned, found, 400, scale=2.2), detector)
    assert abs(roll_of(level)) < 3.0


def test_boxes_lie_where_their_parts_are():
    """The same face painted level has its parts where the crop of the rolled one has them."""
    rolled = upright_photo(*turned_painting(7.0), 128)[1]
    level = upright_photo(*turned_painting(0.0), 128)[1]
    for name in ("eyes", "nose", "mouth"):
        assert rolled.part(name).box.iou(level.part(name).box) > 0.5, name
    assert rolled.face.iou(level.face) > 0.8


def test_outlines_and_own_masks_go_along():
    image = disc(120.0, 100.0, 30.0)
    corners = tuple(
        (110 + 10 * math.cos(a), 90 + 4 * math.sin(a)) for a in torch.linspace(0, 6, 20).tolist()
    )
    own = disc(110.0, 90.0, 6.0)[:, :1]
    parts = (Part("mouth", Box(100, 86, 120, 94), 0.9, outlines=(corners,)),
             Part("nose", Box(104, 84, 116, 96), 0.9, own))  # fmt: skip
    face = FaceAttributes((200, 240), Box(90, 70, 150, 130), 0.9, parts, roll=20.0)
    crop, seen = upright_photo(image, face, SIDE)
    mask = seen.part("nose").mask
    assert mask.shape == (1, 1, SIDE, SIDE)
    (outline,) = seen.part("mouth").outlines
    middle = [sum(axis) / len(outline) for axis in zip(*outline, strict=True)]
    assert middle == pytest.approx(center_of(mask.expand(1, 3, -1, -1)), abs=1.5)
    box = seen.part("mouth").box
    assert all(box.x0 - 1 <= x <= box.x1 + 1 and box.y0 - 1 <= y <= box.y1 + 1 for x, y in outline)
    assert seen.roll == pytest.approx(0.0)


def test_a_measured_roll_counts_before_the_line_from_eyes_to_mouth():
    _, face = turned_painting(5.0)
    assert roll_of(replace(face, roll=-12.0)) == -12.0
    assert roll_of(replace(face, parts=())) == 0.0
    guessed = tuple(replace(part, estimated=True) for part in face.parts)
    assert roll_of(replace(face, parts=guessed)) == 0.0
    assert roll_of(replace(face, roll=float("nan"), parts=())) == 0.0


def test_as_many_crops_as_photos():
    image, face = turned_painting(0.0)
    whole = FaceAttributes((256, 256), Box(0, 0, 256, 256), 0.0)
    wide = torch.zeros(1, 3, 60, 90)
    crops, faces = crop_photos([image, wide, image], [(face,), (), (whole,)], 64)
    assert crops.shape == (3, 3, 64, 64)
    assert [len(some) for some in faces] == [1, 0, 1]
    assert faces[2][0].face == Box(0, 0, 64, 64)
    assert (crops[2:] - resize(image, (64, 64))).abs().mean() < 0.01


def test_faces_at_the_border_and_of_one_pixel():
    image = torch.rand(1, 3, 50, 50, generator=torch.Generator().manual_seed(1))
    for box in (Box(-20, -20, 20, 20), Box(49, 49, 50, 50), Box(0, 0, 50, 50)):
        crop = upright_crop(image, FaceAttributes((50, 50), box, 0.9, roll=30.0), 40)
        assert crop.shape == (1, 3, 40, 40)
        assert torch.isfinite(crop).all()


def test_what_cannot_be_cut_is_refused():
    image = torch.zeros(1, 3, 50, 50)
    good = FaceAttributes((50, 50), Box(10, 10, 40, 40), 0.9)
    with pytest.raises(ImageError, match="empty"):
        upright_crop(image, replace(good, face=Box(5, 5, 5, 9)), 32)
    with pytest.raises(ImageError, match=r"\(2, 3, 50, 50\)"):
        upright_crop(image.expand(2, -1, -1, -1), good, 32)
    for side in (0, 100_000):
        with pytest.raises(ConfigError, match=str(side)):
            upright_crop(image, good, side)
