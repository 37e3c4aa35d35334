"""What is said of a face's expression: in painted faces and in photographs."""

from dataclasses import replace
from pathlib import Path

import matplotlib.cbook as samples
import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.likeness.subjects import expression_words
from facea_core.audit import captioned, expression_of
from facea_core.audit.expression import SMILING, _photographed
from facea_core.audit.learnable import found_photos
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes, detect_faces
from facea_core.detection.load import load_detector
from facea_core.io.images import from_pil, resize, save_image
from facea_core.seeds import seeded
from facea_core.synthetic.parameters import sample_people, sample_scenes
from facea_core.synthetic.render import paint
from facea_core.types import Box, FaceAttributes, Photo

CONFIG = DetectConfig("mouth", on_missing="pass")


def seen(image, detector="mesh"):
    return expression_of(image, found(image, detector))


def found(image, detector="mesh"):
    (face,) = detect_attributes([image], load_detector(detector), CONFIG)
    assert face is not None
    return face


def portrait():
    """Grace Hopper, who does not smile."""
    path = str(samples.get_sample_data("grace_hopper.jpg", asfileobj=False))
    return from_pil(Image.open(path).convert("RGB"))


def test_of_painted_faces_what_is_said_is_nearly_always_so():
    generator = seeded(777)
    people, scenes = sample_people(60, generator), sample_scenes(60, generator)
    said, true = set(), set()
    for number, (one, scene) in enumerate(zip(people.split(1), scenes.split(1), strict=True)):
        said |= {(number, word) for word in seen(paint(one, scene, 128).image, "tiny")}
        true |= {(number, word) for word in expression_words(scene)}
    assert len(said & true) > 6 * len(said - true)
    assert len(said & true) > 1.5 * len(true - said)


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_a_smile_in_a_photograph_is_seen_at_any_size(image, scale):
    size = (round(image.shape[-2] * scale), round(image.shape[-1] * scale))
    assert SMILING in seen(resize(image, size))


@pytest.mark.parametrize("turn", [-40, 40])
def test_a_smile_is_seen_in_a_turned_head(pixels, turn):
    turned = Image.fromarray(pixels).rotate(turn, Image.Resampling.BICUBIC, center=(165, 120))
    assert SMILING in seen(from_pil(turned))


def test_of_a_calm_face_nothing_is_said():
    assert seen(portrait()) == ()


def test_of_two_faces_the_one_that_is_meant_is_read(image):
    calm = resize(portrait(), (image.shape[-2], image.shape[-2]))
    both = torch.cat([image, calm], dim=-1)
    left, right = detect_faces(
        both, load_detector("mesh"), replace(CONFIG, face_order="left-to-right")
    )
    assert SMILING in expression_of(both, left)
    assert expression_of(both, right) == ()


@pytest.mark.parametrize("box", [Box(0, 0, 0, 0), Box(500, 500, 600, 600), Box(0, 0, 64, 64)])
def test_where_nobody_is_seen_nothing_is_said(box):
    noise = torch.rand(1, 3, 64, 64, generator=seeded(1))
    assert expression_of(noise, FaceAttributes((64, 64), box, 0.9, detector="mesh")) == ()


def test_a_caption_of_ones_own_outweighs_what_is_seen(image):
    face = found(image)
    photos = captioned([Photo(image, face), Photo(image, face, caption="at night")])
    assert SMILING in photos[0].caption
    assert photos[1].caption == "at night"


def test_it_can_be_cancelled_before_each_photo(image):
    told = []

    def on_photo(done, total):
        told.append((done, total))
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        captioned([Photo(image, found(image))] * 3, on_photo)
    assert told == [(0, 3), (1, 3)]


def test_files_beside_photos_outweigh_it_also_empty_ones(image, tmp_path: Path):
    paths = [tmp_path / f"{name}.png" for name in ("bare", "empty", "own")]
    for path in paths:
        save_image(image, path)
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "own.txt").write_text("at night")
    told = []
    photos = found_photos(paths, load_detector("mesh"), CONFIG, "skip", told.append, captions=True)
    assert SMILING in photos[0].caption
    assert [photo.caption for photo in photos[1:]] == ["", "at night"]
    assert any("bare.png" in line and SMILING in line for line in told)
    plain = found_photos(paths, load_detector("mesh"), CONFIG, "skip", told.append)
    assert [photo.caption for photo in plain] == ["", "", ""]


def test_an_open_mouth_is_told_by_the_lips():
    points = np.zeros((70, 2))
    points[[36, 45]] = (100, 100), (200, 100)
    points[[1, 15]] = (80, 130), (220, 130)
    points[33], points[[48, 54]] = (150, 150), [(125, 180), (175, 180)]
    assert _photographed(points) == (False, False)
    points[[67, 66, 65], 1] += 12
    assert _photographed(points) == (False, True)
    assert _photographed(points * 7 + 3) == (False, True)
