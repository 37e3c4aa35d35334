"""The bench of an odd photo: what is odd about it, and what its caption says."""

import pytest
import torch

from benchmarks.control import odd
from benchmarks.control.bench import Bench
from benchmarks.control.form import Control
from facea_core.audit import captioned, shown_of


@pytest.fixture(scope="module")
def bench():
    return Bench(Control(first=908, people=2, hosts=1))


@pytest.mark.parametrize("kind", [odd.GLASSES, odd.COLOURLESS])
@pytest.mark.parametrize("index", [0, 1])
def test_only_the_odd_photo_is_captioned_and_as_it_is_asked_for(bench, kind, index):
    one = odd.odd_subject(bench, index, kind)
    said = [photo.caption for photo in captioned(one.subject.photos)]
    assert [one.words in caption for caption in said] == [False, True, False]


def test_who_wears_glasses_in_one_photo_wears_none_elsewhere(bench):
    one = odd.odd_subject(bench, 0, odd.GLASSES)
    worn = [shown_of(photo.image, photo.attributes).glasses for photo in one.subject.photos]
    assert [bool(glasses) for glasses in worn] == [False, True, False]
    known = [shown_of(photo.image, photo.attributes).glasses for photo in one.subject.heldout]
    assert not any(known)


def test_colours_are_missing_as_far_as_they_are(bench):
    scene = bench.subject(0).scenes[0]
    assert scene.answer is not None
    grey = scene.answer.mean(dim=1, keepdim=True).expand_as(scene.answer)
    shown = [odd._shown(bench, odd.COLOURLESS, scene, one) for one in (scene.answer, grey)]
    assert shown == pytest.approx([0, 1])
    half = odd._shown(bench, odd.COLOURLESS, scene, torch.lerp(grey, scene.answer, 0.5))
    assert half == pytest.approx(0.5, abs=1e-4)


def test_the_table_says_what_captions_change():
    rows = [
        {
            "person": f"person-{person}",
            "arm": arm,
            "shown": 0.25 * (one.how == odd.NAMED),
            "likeness": 0.5,
        }
        for arm, one in odd.ARMS.items()
        for person in range(3)
        if one.odd == odd.GLASSES
    ]
    named, plain = (
        next(line for line in odd.table(rows).splitlines() if line.startswith(f"| {arm} |"))
        for arm in ("glasses, named", "glasses, not named")
    )
    assert "| 0.25 (0.25 to 0.25) | 0.00" in named
    assert plain.endswith("| – | – |")
