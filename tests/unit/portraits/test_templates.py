"""Pictures to paint people into: which are fit, who is seated where, what a folder holds."""

from pathlib import Path

import pytest
import torch

from facea_core.composing import ComposeConfig
from facea_core.demo import draw_cast
from facea_core.detection import load_detector
from facea_core.errors import ConfigError, ImageError, MaskError
from facea_core.evaluation import load_embedder
from facea_core.io.images import load_image, save_image
from facea_core.portraits import (
    Template,
    add_template,
    examine,
    ranked,
    read_template,
    score,
    seats_by_likeness,
    seats_in_order,
    targets,
    template_files,
)
from facea_core.selection import photos_to_choose_by
from facea_core.types import Box, Choice, Composition, FaceAttributes, Identity, IdentityMeta

SIZE = (100, 300)
BOXES = (Box(0, 10, 40, 60), Box(100, 10, 160, 80), Box(200, 10, 250, 70))
FACES = tuple(FaceAttributes(SIZE, box, 1.0) for box in BOXES)
META = IdentityMeta("facea-tiny", "", "man", "a photo of ada", 1, 0, 4)


@pytest.fixture(scope="module")
def detector():
    return load_detector("tiny")


@pytest.fixture(scope="module")
def pair() -> torch.Tensor:
    """Two people side by side, 384 x 192."""
    return torch.cat([draw_cast(n, 192).photos.image[:1] for n in (3, 5)], dim=3)


def template(*faces: FaceAttributes, **more) -> Template:
    return Template("one", torch.zeros(1, 3, *SIZE), faces, **more)


def test_faces_are_found_from_left_to_right(pair, detector):
    seen = examine(pair, "pair", detector, 128)
    assert [face.face.x0 < 192 for face in seen.faces] == [True, False]
    assert seen.unfit == ()
    assert [seen.lacks(people) for people in (1, 2)] == ["", ""]
    assert seen.lacks(3) == "2 of 3 faces found"


@pytest.mark.parametrize(
    ("faces", "left"), [("0", [True]), ("1", [False]), ("1, 0", [False, True])]
)
def test_only_some_faces_count(pair, detector, faces, left):
    seen = examine(pair, "pair", detector, 128, faces=faces)
    assert [face.face.x0 < 192 for face in seen.faces] == left


def test_a_small_or_cut_face_is_not_fit_and_why(pair, detector):
    small = examine(pair, "pair", detector, 1024)
    assert small.faces == ()
    assert "px large, and 205 px are needed at 1024 px" in small.lacks(1)
    cut = examine(pair[..., 60:, :], "pair", detector, 128)
    assert "touches the border" in cut.lacks(2)
    assert examine(pair, "pair", detector, 128, faces="7").lacks(1) == (
        "0 of 1 faces: face 8 is not there"
    )


def test_the_largest_faces_are_taken_from_left_to_right():
    assert seats_in_order(template(*FACES), 2) == [FACES[1], FACES[2]]
    assert seats_in_order(template(*FACES), 3) == list(FACES)


@pytest.mark.parametrize("people", [(3, 5), (5, 3)])
def test_people_are_seated_over_the_faces_most_like_theirs(pair, detector, people):
    photos = [
        photos_to_choose_by(draw_cast(n, 128).heldout.image[:2].split(1), detector)[0]
        for n in people
    ]
    seats = seats_by_likeness(examine(pair, "pair", detector, 128), photos, load_embedder("tiny"))
    assert [seat.face.x0 < 192 for seat in seats] == [n == 3 for n in people]
    with pytest.raises(ConfigError, match="no photos of person 2"):
        seats_by_likeness(template(*FACES), [photos[0], []], load_embedder("tiny"))


def test_each_person_is_asked_for_by_their_words_and_what_the_template_says():
    keep = torch.zeros(1, 1, *SIZE)
    people = [Identity(name, (), {}, META) for name in ("ada", "ben")]
    for own, given, said in (
        ("at night", "by day", "a photo of ada, at night"),
        ("", "by day", "a photo of ada, by day"),
        ("", "", "a photo of ada"),
    ):
        one = template(*FACES, prompt=own, keep=keep)
        faces = targets((one, FACES[:2]), people, ComposeConfig(), given)
        assert [(face.identity, face.prompt) for face in faces] == [(who, said) for who in people]
        assert all(face.keep is keep for face in faces)


def composition(*choices: Choice) -> Composition:
    nothing = torch.zeros(1, 3, 1, 1)
    return Composition(nothing, nothing, (), (), (), (), choices)


def test_portraits_are_ranked_by_likeness_or_by_fit():
    liked = composition(Choice(1, (0.9, 0.8), (0.1, 0.7)), Choice(0, (0.9,), (0.5,)))
    fits = composition(Choice(1, (0.7, 0.9)))
    assert score(liked) == pytest.approx(0.6)
    assert score(fits) == 0.9
    assert score(composition()) is None
    assert ranked([0.1, None, -0.5, 0.9, None]) == [3, 0, 2, 1, 4]


def test_a_template_comes_back_as_it_was_added(tmp_path: Path, pair):
    source, mask = tmp_path / "party.png", tmp_path / "hand.png"
    save_image(pair, source)
    keep = torch.zeros(1, 3, 192, 384)
    keep[..., :20] = 1
    save_image(keep, mask)
    folder = tmp_path / "templates"
    added = add_template(source, folder, "at night", "0, 1", mask)
    (path,) = template_files([folder])
    read = read_template(path)
    assert read.path == added
    assert (read.prompt, read.faces) == ("at night", "0, 1")
    assert torch.equal(read.image, load_image(source)[0])
    assert read.keep is not None
    assert torch.equal(read.keep, keep[:, :1])
    with pytest.raises(ConfigError, match="already"):
        add_template(source, folder)
    save_image(keep[..., :100], mask)
    with pytest.raises(MaskError):
        add_template(source, tmp_path / "other", keep=mask)
    assert not (tmp_path / "other" / "party.png").exists()


def test_any_picture_is_a_template(tmp_path: Path, pair):
    save_image(pair, tmp_path / "beach.png")
    (tmp_path / "beach.txt").write_text("at the beach,\n")
    read = read_template(tmp_path / "beach.png")
    assert (read.prompt, read.faces, read.keep) == ("at the beach", "", None)
    with pytest.raises(ImageError):
        template_files([])


@pytest.mark.parametrize(
    "text", ["", "[]", '{"prompt": 3}', '{"other": "x"}', "{" * 100_000, '{"prompt": "\\ud800"}']
)
def test_a_bad_description_is_refused(tmp_path: Path, pair, text: str):
    save_image(pair, tmp_path / "beach.png")
    (tmp_path / "beach.template.json").write_text(text)
    with pytest.raises(ConfigError):
        read_template(tmp_path / "beach.png")
