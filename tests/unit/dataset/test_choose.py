"""Which pictures are kept of those that pass: one for each cell, right ones first, far apart."""

import math

import pytest
import torch

from facea_core.dataset.choose import choose, features_of, spread
from facea_core.dataset.measures import evenness


def test_each_cell_has_one_and_right_ones_go_first():
    features = torch.rand(9, 3, generator=torch.Generator().manual_seed(0))
    cells = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    right = [False, True, False, False, False, True, False, False, False]
    kept = choose(features, cells, right, 3)
    assert [cells[one] for one in kept] == [0, 1, 2]
    assert kept[:2] == [1, 5]


def test_empty_cells_are_filled_by_others_and_never_twice_by_one():
    features = torch.rand(5, 2, generator=torch.Generator().manual_seed(1))
    kept = choose(features, [0, 0, 0, 2, 2], [True] * 5, 4)
    assert len(kept) == len(set(kept)) == 4
    assert sorted(choose(features, [0, 0, 0, 2, 2], [True] * 5, 9)) == [0, 1, 2, 3, 4]
    assert choose(features[:0], [], [], 3) == []


def test_those_chosen_lie_farther_apart_than_chance():
    random = torch.Generator().manual_seed(2)
    wins = 0
    for _ in range(20):
        features = torch.randn(40, 4, generator=random)
        kept = choose(features, list(range(10)) * 4, [True] * 40, 10)
        chance = [n + 10 * int(torch.randint(4, (1,), generator=random)) for n in range(10)]
        wins += spread(features[kept])[0] > spread(features[chance])[0]
    assert wins >= 16


def test_features_are_standardised_and_constant_axes_say_nothing():
    measures = [{"yaw": float(n), "scale": 0.5, "roll": 90.0 * n} for n in range(6)]
    measures[0] = {key: measures[0][key] for key in ("yaw", "scale", "roll")}
    features = features_of(measures, torch.zeros(6, 64))
    assert torch.isfinite(features).all()
    assert torch.allclose(features[:, 0], features[:, 2], atol=1e-5)
    assert (features[:, 1] == 0).all()
    without = features_of([{"scale": 0.5}, *measures[1:]], torch.zeros(6, 64))
    assert without.shape[1] < features.shape[1]


def test_pictures_of_which_nothing_was_measured_differ_by_their_faces():
    beside = torch.randn(6, 16, generator=torch.Generator().manual_seed(3))
    features = features_of([{"yaw": 1.0}, *({} for _ in range(5))], beside)
    assert features.shape[0] == 6
    assert spread(features)[0] > 0


def test_evenness_is_that_of_levels():
    assert evenness([5, 5, 5]) == pytest.approx(1)
    assert evenness([7, 0, 0]) == 0
    assert 0 < evenness([6, 2, 1]) < 1
    assert math.isnan(evenness([]))
    assert math.isnan(evenness([3]))


def test_one_picture_has_no_spread():
    assert math.isnan(spread(torch.zeros(1, 3))[0])
    assert spread(torch.tensor([[0.0], [1.0], [3.0]])) == (1.0, 2.0)
