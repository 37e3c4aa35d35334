"""Faces moved onto faces, and outlines that can be blended."""

import math

import numpy as np
import pytest
import torch

from facea_core.hints.align import CORNERS, between, resampled, similarity, started_like
from facea_core.hints.outlines import mask_outlines

FIVE = np.array([[30.0, 40], [70, 42], [50, 60], [35, 80], [66, 79]])


def turned(points, degrees, scale, shift):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return scale * points @ np.array([[c, -s], [s, c]]).T + np.array(shift)


@pytest.mark.parametrize("degrees", [0, 17, -80, 179])
@pytest.mark.parametrize("scale", [0.2, 1.0, 3.5])
def test_a_similarity_is_recovered(degrees, scale):
    target = turned(FIVE, degrees, scale, (-7, 120))
    move = similarity(FIVE, target)
    assert np.allclose(move(FIVE), target)
    assert move.scale == pytest.approx(scale)


def test_it_is_the_least_squares_one_and_never_mirrors():
    mirrored = FIVE * (-1, 1)
    move = similarity(FIVE, mirrored)
    assert np.linalg.det(move.turn) > 0
    least = ((move(FIVE) - mirrored) ** 2).sum()
    generator = np.random.default_rng(0)
    for _ in range(50):
        noise = generator.normal(size=3) * (0.02, 0.5, 0.5)
        again = turned(move(FIVE), noise[0], 1 + noise[0], noise[1:])
        assert ((again - mirrored) ** 2).sum() >= least - 1e-9


def test_points_that_are_one_are_shifted():
    move = similarity(np.zeros((5, 2)), FIVE)
    assert np.allclose(move(np.zeros((1, 2))), FIVE.mean(axis=0))


def test_outlines_are_resampled_at_equal_steps_clockwise():
    square = ((0.0, 0.0), (10, 0), (10, 10), (0, 10))
    for outline in (square, square[::-1]):
        ring = resampled(outline)
        assert ring.shape == (CORNERS, 2)
        steps = np.hypot(*(np.roll(ring, -1, axis=0) - ring).T)
        assert steps.max() <= 40 / CORNERS + 1e-9
        x, y = ring.T
        assert np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) > 0


def test_an_outline_that_begins_elsewhere_is_the_same():
    angles = np.arange(CORNERS) * (2 * math.pi / CORNERS)
    egg = np.stack([3 * np.cos(angles), (2 + np.cos(angles)) * np.sin(angles)], axis=1)
    assert np.allclose(started_like(np.roll(egg, 31, axis=0) + 5, egg), egg + 5)


def test_ends_are_exact_and_the_way_is_straight():
    other = turned(FIVE, 10, 1.1, (3, 4))
    assert np.array_equal(between(FIVE, other, 0.0), FIVE)
    assert np.allclose(between(FIVE, other, 1.0), other)
    assert np.allclose(between(FIVE, other, 0.5), (FIVE + other) / 2)


def test_a_drawn_mask_has_the_outline_of_its_shape_and_of_its_hole():
    y, x = torch.meshgrid(torch.arange(60.0), torch.arange(80.0), indexing="ij")
    far = torch.hypot(x + 0.5 - 40, y + 0.5 - 30)
    mask = ((far < 24) & (far > 10)).float()[None, None]
    mask[..., 0, 0] = 1  # a speck
    for outline, radius in zip(mask_outlines(mask), (24, 10), strict=True):
        distance = np.hypot(*(np.array(outline) - (40, 30)).T)
        assert np.abs(distance - radius).max() < 1
    assert mask_outlines(torch.zeros(1, 1, 8, 8)) == ()
    (all_of_it,) = mask_outlines(torch.ones(1, 1, 8, 10))
    assert np.array(all_of_it).max(axis=0).tolist() == [10, 8]
