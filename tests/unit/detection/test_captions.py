"""What is said of a photo that is not the person's: expression, glasses, no colours."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import matplotlib.cbook as samples
import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.likeness.subjects import expression_words
from facea_core.audit import COLOURLESS, captioned, shown_of
from facea_core.audit.expression import OPEN, SMILING, photographed_expression
from facea_core.audit.glasses import WORN
from facea_core.audit.learnable import found_photos, named_photos
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes, detect_faces
from facea_core.detection.load import load_detector
from facea_core.io.images import from_pil, resize, save_image, to_pil
from facea_core.seeds import seeded
from facea_core.synthetic.parameters import GLASSES, labels, sample_people, sample_scenes
from facea_core.synthetic.render import paint
from facea_core.types import Box, FaceAttributes, Photo

CONFIG = DetectConfig("mouth", on_missing="pass")


def seen(image, detector="mesh"):
    return shown_of(image, found(image, detector)).expression


def found(image, detector="mesh"):
    (face,) = detect_attributes([image], load_detector(detector), CONFIG)
    assert face is not None
    return face


def portrait():
    """Grace Hopper, who does not smile, and wears glasses."""
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
    assert SMILING in shown_of(both, left).expression
    assert shown_of(both, right).expression == ()


@pytest.mark.parametrize("box", [Box(0, 0, 0, 0), Box(500, 500, 600, 600), Box(0, 0, 64, 64)])
def test_where_nobody_is_seen_nothing_is_said(box):
    noise = torch.rand(1, 3, 64, 64, generator=seeded(1))
    face = FaceAttributes((64, 64), box, 0.9, detector="mesh")
    assert shown_of(noise, face) == ((), None)


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
        captioned([Photo(image, found(image))] * 3, on_photo=on_photo)
    assert told == [(0, 3), (1, 3)]


def test_files_beside_photos_outweigh_it_also_empty_ones(image, tmp_path: Path):
    paths = [tmp_path / f"{name}.png" for name in ("bare", "empty", "own")]
    for path in paths:
        save_image(image, path)
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "own.txt").write_text("at night")
    told = []
    detector = load_detector("mesh")
    found, bare = found_photos(paths, detector, CONFIG, "skip", told.append, captions=True)
    photos = named_photos(found, bare, told.append)
    assert SMILING in photos[0].caption
    assert [photo.caption for photo in photos[1:]] == ["", "at night"]
    assert any("bare.png" in line and SMILING in line for line in told)
    plain, bare = found_photos(paths, detector, CONFIG, "skip", told.append)
    plain = named_photos(plain, bare, told.append)
    assert [photo.caption for photo in plain] == ["", "", ""]


def test_an_open_mouth_is_told_by_the_lips():
    points = np.zeros((70, 2))
    points[[36, 45]] = (100, 100), (200, 100)
    points[[1, 15]] = (80, 130), (220, 130)
    points[33], points[[48, 54]] = (150, 150), [(125, 180), (175, 180)]
    assert photographed_expression(points) == ()
    points[[67, 66, 65], 1] += 12
    assert photographed_expression(points) == (OPEN,)
    assert photographed_expression(points * 7 + 3) == (OPEN,)


def test_of_painted_faces_the_glasses_that_are_named_are_worn():
    generator, right, wrong = seeded(778), 0, 0
    people, scenes = sample_people(60, generator), sample_scenes(60, generator)
    kinds = labels(people)["glasses"].tolist()
    for kind, one, scene in zip(kinds, people.split(1), scenes.split(1), strict=True):
        image = paint(one, scene, 128).image
        said = shown_of(image, found(image, "tiny")).glasses
        if said is not None:
            right += said == (f"{GLASSES[kind]} glasses" if kind else "")
            wrong += said != (f"{GLASSES[kind]} glasses" if kind else "")
    assert wrong <= 2
    assert right > 50


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.0])
@pytest.mark.parametrize("turn", [0, 25])
def test_glasses_in_a_photograph_are_seen_at_any_size_and_turned(pixels, scale, turn):
    bare, middle = Image.fromarray(pixels), (165, 120)
    worn = portrait()
    for picture, said in ((from_pil(bare), ""), (worn, WORN)):
        turned = to_pil(picture).rotate(turn, Image.Resampling.BICUBIC, center=middle)
        size = (round(turned.height * scale), round(turned.width * scale))
        image = resize(from_pil(turned), size)
        assert shown_of(image, found(image)).glasses == said


def test_glasses_are_named_where_another_photo_is_surely_without(image):
    bare, worn = Photo(image, found(image)), Photo(portrait(), found(portrait()))
    unseen = Photo(image, replace(bare.attributes, score=0.0))
    assert WORN in captioned([bare, worn])[1].caption
    assert captioned([worn, worn])[0].caption == ""
    assert captioned([worn, unseen])[0].caption == ""
    assert WORN not in captioned([bare, worn])[0].caption


def test_a_photo_with_a_caption_of_its_own_tells_that_glasses_are_not_always_worn(image):
    bare = Photo(image, found(image), caption="at night")
    worn = Photo(portrait(), found(portrait()))
    assert [one.caption for one in captioned([bare, worn])] == ["at night", WORN]


@pytest.mark.parametrize("quality", [None, 60])
def test_no_colours_are_named_also_in_jpeg_files(image, quality):
    grey = image.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    if quality:
        file = BytesIO()
        to_pil(grey).save(file, "JPEG", quality=quality)
        grey = from_pil(Image.open(file).convert("RGB"))
    face = found(image)
    named, plain = captioned([Photo(grey, face), Photo(image, face)])
    assert named.caption.endswith(COLOURLESS)
    assert COLOURLESS not in plain.caption


def test_a_photo_that_is_left_out_does_not_tell_whether_glasses_are_always_worn(image, tmp_path):
    paths = [tmp_path / "bare.png", tmp_path / "worn.png"]
    for path, picture in zip(paths, (image, portrait()), strict=True):
        save_image(picture, path)
    detector, told = load_detector("mesh"), []
    found, bare = found_photos(paths, detector, CONFIG, "skip", told.append, captions=True)
    assert WORN in named_photos(found, bare, told.append)[1].caption
    assert named_photos(found[1:], bare, told.append)[0].caption == ""
