"""Whether a picture shows somebody: numbers, words, and pictures in which nobody is."""

from __future__ import annotations

import pytest
import torch

from facea_core.audit import compare_pictures, comparison_json
from facea_core.audit.alike import SAME_PERSON
from facea_core.audit.likeness import (
    NO_FACE,
    OTHER,
    SAME,
    UNKNOWN,
    UNSURE,
    likeness_line,
    likeness_text,
    verdict,
)
from facea_core.demo import draw_cast
from facea_core.errors import ConfigError, NoFaceError

GREY = torch.full((1, 3, 128, 128), 0.5)


@pytest.fixture(scope="module")
def people():
    """Four photos of one painted person, and two of another."""
    one, other = draw_cast(4, 128).photos.image, draw_cast(3, 128).photos.image
    return list(one[:4].split(1)), list(other[:2].split(1))


@pytest.mark.parametrize("embedder", SAME_PERSON)
def test_words_follow_the_audits_limits(embedder: str):
    other, same = SAME_PERSON[embedder]
    assert verdict(same, embedder) == SAME
    assert verdict((same + other) / 2, embedder) == UNSURE
    assert verdict(other, embedder) == UNSURE
    assert verdict(other - 1e-3, embedder) == OTHER


def test_of_another_embedder_nothing_is_said():
    assert verdict(1.0, "mine") == UNKNOWN


def test_people_are_told_apart(people):
    mine, others = people
    found = compare_pictures([mine[0], others[0], GREY], mine[1:], "tiny")
    assert [one.verdict for one in found.pictures] == [SAME, OTHER, NO_FACE]
    same, other, nobody = found.pictures
    assert same.nearest >= same.mean
    assert same.nearest > other.nearest
    assert nobody.nearest is nobody.mean is nobody.reference is None
    assert likeness_text(nobody) == NO_FACE
    assert likeness_text(other) == f"{other.nearest:.2f} {OTHER}"
    line = likeness_line(found.pictures, found.embedder)
    assert line.startswith("1 same person, 1 somebody else, 1 no face (by tiny: 0.75")


def test_a_reference_without_a_face_is_left_out_and_keeps_its_number(people):
    mine, _ = people
    ticks = []
    found = compare_pictures([mine[0]], [GREY, mine[0]], "tiny", lambda *at: ticks.append(at))
    (one,) = found.pictures
    assert one.reference == 1
    assert one.nearest == pytest.approx(1, abs=1e-5)
    assert found.notes == ("reference 1 left out: no face was found in it",)
    assert ticks == [(1, 3), (2, 3), (3, 3)]
    (plain,) = comparison_json(found)["pictures"]
    assert plain["nearest_reference"] == 2


def test_auto_goes_by_the_references(people):
    """Also where the detector of photographs sees a face in some of the painted ones."""
    mine, others = people
    assert compare_pictures([others[0]], others, "auto").embedder == "tiny"
    assert compare_pictures([mine[0]], mine, "auto").embedder == "tiny"


def test_without_a_face_among_the_references_nobody_is_judged(people):
    with pytest.raises(NoFaceError, match="none of the references shows a face"):
        compare_pictures(people[0], [GREY], "auto")


def test_an_unknown_embedder_is_refused(people):
    with pytest.raises(ConfigError, match="embedder 'arcface' is unknown"):
        compare_pictures(people[0], people[0], "arcface")
