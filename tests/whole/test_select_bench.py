"""The quick form of tests/bench/bench_select.py: real faces, made-up candidates."""

import random

import pytest

from facea_core.dlib_models import landmarks_available

from ..bench.bench_select import (
    KNOWN,
    Truth,
    best_score,
    is_right,
    measure,
    pictures,
    table,
    trial,
    truths,
)

pytest.importorskip("skimage.data")
pytestmark = pytest.mark.skipif(not landmarks_available(), reason="needs facea-net[landmarks]")

TRIALS = 100


@pytest.fixture(scope="module")
def faces() -> list[Truth]:
    return truths(pictures(), turns=(0,))


def test_the_right_part_is_chosen_among_wrong_ones_that_score_higher(faces):
    shares = measure(faces, TRIALS, seed=7)
    text = table(shares)
    floors = {"eyes": 0.75, "eyebrows": 0.75, "nose": 0.95, "mouth": 0.9, "hair": 0.85}
    for name, floor in floors.items():
        row = shares[name]
        assert row["select_present"] >= floor, text
        assert row["best_score_present"] <= 0.3, text
    for name, row in shares.items():
        floor = {"nose": 0.5, "mouth": 0.75}.get(name, 0.15)
        assert row["select_absent"] >= floor > row["best_score_absent"], f"{name}\n{text}"


def test_a_trial_is_what_it_says(faces):
    for name in KNOWN:
        rng = random.Random(1)
        for _ in range(20):
            truth = rng.choice(faces)
            found, face, right = trial(truth, name, rng, absent=False)
            assert face.iou(truth.boxes["face"]) > 0.7
            asked = [one for one in found if one.phrase == name]
            # The right box, or both halves of it, is there, and wrong ones are.
            assert any(one.box.intersect(right).area > 0.6 * one.box.area for one in asked)
            assert sum(one.box.iou(right) <= 0.5 for one in asked) >= 5
            _, _, none = trial(truth, name, rng, absent=True)
            assert none is None
            assert not is_right(best_score(found, name), None)
            assert not is_right(None, right)
    assert is_right(None, None)
