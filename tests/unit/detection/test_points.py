"""The 68 points of a face that a detector found, read again around its box."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facea_core.detection.detect import DetectConfig, detect_faces
from facea_core.detection.load import load_detector
from facea_core.detection.points import POINTS, face_points
from facea_core.dlib_models import landmarks_available
from facea_core.io.images import resize
from facea_core.types import Box, FaceAttributes

CONFIG = DetectConfig("face, eyes, eyebrows, nose, mouth")
GROUPS = {
    "eyebrows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "mouth": slice(48, 68),
}


@pytest.fixture(scope="module")
def face(image):
    (found,) = detect_faces(image, load_detector("mesh"), CONFIG)
    return found


def points_in(image, face):
    points = face_points(image, face)
    assert points is not None
    assert points.shape == (POINTS, 2)
    return points


def test_every_point_lies_in_its_part(image, face):
    points = points_in(image, face)
    for name, group in GROUPS.items():
        part = face.part(name)
        x0, y0, x1, y1 = part.box
        some = points[group]
        assert (some >= (x0 - 3, y0 - 3)).all(), name
        assert (some <= (x1 + 3, y1 + 3)).all(), name
    # Jaw from the person's right ear to the left one, the chin between them lowest.
    jaw = points[:17]
    assert jaw[0, 0] < jaw[8, 0] < jaw[16, 0]
    assert jaw[:, 1].argmax() in (7, 8, 9)
    assert (np.diff(points[17:27, 0]) > 0).all()
    assert np.allclose(points[68], points[36:42].mean(axis=0))


def test_they_follow_the_picture(image, face):
    points = points_in(image, face)
    twice = resize(image, tuple(2 * side for side in image.shape[-2:]))
    larger = replace(face, size=tuple(twice.shape[-2:]), face=face.face.scale(2, 2))
    assert np.abs(points_in(twice, larger) / 2 - points).max() < 0.03 * face.face.height


def test_whoever_found_the_face_and_whatever_stands_beside_it(image, face):
    other = replace(face, detector="grounding-dino", parts=())
    assert np.array_equal(points_in(image, other), points_in(image, face))
    pair = torch.cat([image, image], dim=3)
    width = image.shape[3]
    second = replace(face, size=tuple(pair.shape[-2:]), face=face.face.shift(width, 0))
    moved = points_in(pair, second) - (width, 0)
    assert np.abs(moved - points_in(image, face)).max() < 0.03 * face.face.height


@pytest.mark.skipif(not landmarks_available(), reason="dlib is an extra")
def test_the_two_detectors_agree(image, face):
    by_mesh = points_in(image, face)
    by_dlib = points_in(image, replace(face, detector="landmarks"))
    apart = np.hypot(*(by_mesh - by_dlib)[17:].T)
    assert apart.mean() < 0.04 * face.face.height


def test_where_there_is_no_face_there_are_no_points(image):
    nothing = FaceAttributes((128, 128), Box(30, 30, 90, 100), 0.9)
    assert face_points(torch.full((1, 3, 128, 128), 0.5), nothing) is None
    # The face beside the box is another one's.
    size = tuple(image.shape[-2:])
    assert face_points(image, FaceAttributes(size, Box(0, 190, 60, 259), 0.9)) is None
