import sys

import numpy as np
import pytest
import torch
from PIL import Image

from facea_core.detection import landmarks
from facea_core.detection.detect import DetectConfig, detect_attributes, detect_faces
from facea_core.detection.landmarks import (
    LandmarksDetector,
    find_landmarks,
    half_boxes,
    part_boxes,
    part_outlines,
)
from facea_core.detection.load import FirstFinding, load_detector
from facea_core.dlib_models import landmarks_available
from facea_core.errors import AssetError, MissingDependencyError, NoFaceError
from facea_core.io.images import crop, from_pil, load_image, resize
from facea_core.masks import outline_distance
from facea_core.types import Box, FaceAttributes, Part

from .known import the_face

needs_extra = pytest.mark.skipif(not landmarks_available(), reason="needs facea-net[landmarks]")
CONFIG = DetectConfig("face, eyes, nose, mouth")

# Marked by hand in the picture: centres of the two eyes, tip of the nose, middle of the mouth.
EYES, NOSE, MOUTH = ((202, 101), (247, 104)), ((225, 129),), ((224, 145),)
FACE = Box(178, 58, 274, 180)


@pytest.fixture(scope="module")
def detector():
    return load_detector("landmarks")


def part_of(face: FaceAttributes, attribute: str) -> Part:
    part = face.part(attribute)
    assert part is not None
    return part


@pytest.fixture(scope="module")
def found(image, detector):
    return the_face(image, detector, CONFIG)


def in_crop(points):
    return [(x - 60, y) for x, y in points]


def holds(box, points, scale=1.0):
    return all(
        box.x0 <= x * scale < box.x1 and box.y0 <= y * scale < box.y1 for x, y in in_crop(points)
    )


@needs_extra
def test_boxes_land_on_the_real_eyes_nose_and_mouth(found):
    face = found
    assert face.detector == "landmarks"
    assert face.score > 0.9
    assert face.face.iou(FACE.shift(-60, 0)) > 0.8
    for part, points in (("eyes", EYES), ("nose", NOSE), ("mouth", MOUTH)):
        box = part_of(face, part).box
        assert holds(box, points), part
        # Tight as well: no part covers a fifth of the face.
        assert box.area < 0.2 * face.face.area
        assert not part_of(face, part).estimated
    assert (
        part_of(face, "eyes").box.y1 < part_of(face, "nose").box.y1 < part_of(face, "mouth").box.y1
    )
    assert part_of(face, "eyes").box.intersect(part_of(face, "mouth").box).area == 0


@needs_extra
def test_hair_is_an_estimate_and_says_so(image, detector):
    face = the_face(image, detector, DetectConfig("eyes, hair, eyebrows"))
    hair = part_of(face, "hair")
    assert hair.estimated
    assert hair.score < part_of(face, "eyes").score / 2
    assert hair.box.y0 < face.face.y0
    assert hair.box.width > face.face.width
    assert "hair estimated from the face" in face.notes
    assert part_of(face, "eyebrows").box.center[1] < part_of(face, "eyes").box.center[1]


@needs_extra
@pytest.mark.parametrize("kind", ["L", "RGBA", "CMYK", "I;16", "rotated", "palette", "jpeg"])
def test_every_kind_of_file_gives_the_same_boxes(pixels, found, detector, tmp_path, kind):
    picture, path, options = Image.fromarray(pixels), tmp_path / "a.png", {}
    if kind == "rotated":
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    elif kind == "I;16":
        grey = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        picture = Image.fromarray(grey)
    elif kind == "palette":
        picture = picture.quantize(256)
    elif kind == "jpeg":
        path = tmp_path / "a.jpg"
    else:
        picture = picture.convert(kind)
        path = tmp_path / "a.tiff" if kind == "CMYK" else path
    picture.save(path, **options)
    loaded, notes = load_image(path)
    assert bool(notes) == (kind not in ("palette", "jpeg", "RGBA"))
    face = the_face(loaded, detector, CONFIG)
    for part in found.parts:
        assert part_of(face, part.attribute).box.iou(part.box) > 0.75


@needs_extra
@pytest.mark.parametrize("scale", [0.25, 0.4, 4.0])
def test_small_faces_and_huge_pictures(image, detector, scale):
    size = (round(260 * scale), round(320 * scale))
    face = the_face(resize(image, size), detector, CONFIG)
    assert face.face.iou(FACE.shift(-60, 0).scale(scale, scale)) > 0.75
    for part, points in (("eyes", EYES), ("nose", NOSE), ("mouth", MOUTH)):
        assert holds(part_of(face, part).box, points, scale)


@needs_extra
@pytest.mark.parametrize(
    "box",
    [Box(0, 80, 320, 260), Box(130, 0, 320, 260), Box(0, 0, 185, 260), Box(0, 0, 320, 155)],
    ids=["top", "left", "right", "bottom"],
)
def test_a_face_cut_by_the_border_is_found_and_noted(image, detector, box):
    cut = crop(image, box)
    face = the_face(cut, detector, CONFIG)
    truth = FACE.shift(-60 - box.x0, -box.y0).clip((box.height, box.width))
    assert face.face.iou(truth) > 0.75
    assert face.face == face.face.clip(face.size)
    assert any("border" in note for note in face.notes)
    middle = in_crop(NOSE)[0]
    nose = part_of(face, "nose").box.shift(box.x0, box.y0)
    assert nose.x0 <= middle[0] < nose.x1
    assert nose.y0 <= middle[1] < nose.y1


@needs_extra
def test_several_faces_of_different_size(image, detector):
    small = resize(image, (130, 160))
    pad = torch.full((1, 3, 130, 160), 0.5)
    both = torch.cat([image, torch.cat([small, pad], dim=-2)], dim=-1)
    faces = detect_faces(both, detector, CONFIG)
    assert len(faces) == 2
    assert faces[0].face.area > 3 * faces[1].face.area
    assert faces[1].face.x0 > 320
    for face in faces:
        assert all(part.box.intersect(face.face).area > 0 for part in face.parts)
    config = DetectConfig("eyes", face_order="left-to-right", face_index=1)
    chosen = the_face(both.flip(-1), detector, config)
    assert chosen.face.area == pytest.approx(faces[0].face.area, rel=0.2)


@needs_extra
def test_a_picture_without_a_face_says_so(detector):
    noise = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    for empty in (noise, torch.zeros(1, 3, 64, 48)):
        with pytest.raises(NoFaceError, match="no face found by the landmarks detector"):
            detect_attributes([empty], detector, CONFIG)
    assert detector.detect(noise, ["unknown phrase"]) == ()


@needs_extra
def test_the_same_picture_gives_the_same_boxes(image, detector):
    first, again = (detector.detect(image, ["face", "eyes"]) for _ in range(2))
    assert first == again
    assert {one.phrase for one in first} == {"face", "eyes"}
    # That package imports pkg_resources, which newer setuptools lack.
    assert "face_recognition_models" not in sys.modules
    assert all(one.source == "landmarks" for one in first)


def bounds(outlines):
    x, y = np.concatenate([np.array(outline) for outline in outlines]).T
    return x.min(), y.min(), x.max(), y.max()


@needs_extra
def test_outlines_fill_their_boxes_and_hold_their_points(image, detector):
    (points, _), *_ = find_landmarks(image)
    boxes, outlines = part_boxes(points), part_outlines(points)
    assert set(boxes) - set(outlines) == {"hair"}
    for name, shape in outlines.items():
        assert len(shape) == (2 if name in ("eyes", "eyebrows") else 1)
        # The box is the outline's, to the whole pixels around it.
        assert np.abs(np.array(bounds(shape)) - boxes[name]).max() <= 1
        inside = outline_distance(shape, (260, 320), 50.0)[0, 0]
        where = {"face": points[:27], "mouth": points[48:], "eyes": points[36:48]}.get(name, ())
        assert all(inside[int(y), int(x)] < 1 for x, y in where)
    eyes = outline_distance(outlines["eyes"], (260, 320), 50.0)[0, 0] < 0
    assert eyes.sum() < 0.75 * boxes["eyes"].area


@needs_extra
def test_halves_of_pairs_are_candidates_too_and_make_the_same_box(image, detector):
    (points, _), *_ = find_landmarks(image)
    for name in ("eyes", "eyebrows"):
        left, right = half_boxes(points, name)
        assert left.x1 <= right.x0
        assert left.join(right) == part_boxes(points)[name]
    found = detector.detect(image, ["eyes", "nose"])
    eyes = [one for one in found if one.phrase == "eyes"]
    assert [len(one.outlines) for one in eyes] == [2, 1, 1]
    assert [one.box for one in eyes] == [part_boxes(points)["eyes"], *half_boxes(points, "eyes")]
    assert eyes[0].outlines == (*eyes[1].outlines, *eyes[2].outlines)
    assert [len(one.outlines) for one in found if one.phrase == "nose"] == [1]


@needs_extra
@pytest.mark.parametrize("turn", [-20, 0, 20])
def test_a_turned_head_tells_by_how_much(pixels, detector, turn):
    turned = Image.fromarray(pixels).rotate(-turn, Image.Resampling.BICUBIC, center=(165, 120))
    face = the_face(from_pil(turned), detector, CONFIG)
    assert face.roll == pytest.approx(turn + 3.5, abs=4)
    assert len(part_of(face, "eyes").outlines) == 2
    assert len(part_of(face, "face").outlines) == 1


def test_the_forehead_lies_beyond_the_brows_also_in_a_tilted_head():
    points = np.zeros((68, 2))
    points[:17, 0] = np.linspace(0, 100, 17)
    points[:17, 1] = 100 * np.sin(np.linspace(0, np.pi, 17))
    points[17:27] = np.stack([np.linspace(10, 90, 10), np.full(10, -20)], axis=1)
    points[27:68] = (50, 30)
    upright = part_boxes(points)["face"]
    assert upright.y0 == pytest.approx(-20 - 0.35 * 120, abs=1)
    assert (upright.x0, upright.x1, upright.y1) == (0, 100, 100)
    turned = part_boxes(points[:, ::-1])["face"]
    assert (turned.y0, turned.x0) == (upright.x0, upright.y0)
    assert (turned.y1, turned.x1) == (upright.x1, upright.y1)


@pytest.mark.parametrize("package", ["dlib", "face_recognition_models"])
def test_a_missing_package_is_named_with_the_command(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    assert not landmarks_available()
    with pytest.raises(MissingDependencyError, match="pip install dlib-bin"):
        load_detector("landmarks")
    auto = load_detector("auto")
    assert isinstance(auto, FirstFinding)
    assert [one.name for one in auto.detectors] == ["mesh", "tiny"]


@needs_extra
@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_a_missing_or_damaged_model_file_is_named(monkeypatch, tmp_path, content):
    if content is not None:
        (tmp_path / "shape_predictor_68_face_landmarks.dat").write_bytes(content)
    monkeypatch.setattr(landmarks, "model_folder", lambda: tmp_path)
    monkeypatch.setattr(landmarks, "_models", landmarks._models.__wrapped__)
    with pytest.raises(AssetError, match="shape_predictor_68"):
        LandmarksDetector().detect(torch.zeros(1, 3, 32, 32), ["face"])
