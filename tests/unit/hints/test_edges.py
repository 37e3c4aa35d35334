"""Canny's edges."""

import numpy as np
import pytest
import torch
from scipy.ndimage import label

from facea_core.hints import canny

CENTRE, RADIUS = (47.3, 40.8), 25.2


def disc(light: float = 0.9, dark: float = 0.1) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(80.0), torch.arange(100.0), indexing="ij")
    far = torch.hypot(x + 0.5 - CENTRE[0], y + 0.5 - CENTRE[1])
    cover = (RADIUS + 0.5 - far).clamp(0, 1)
    return (dark + (light - dark) * cover).expand(1, 3, -1, -1)


def test_the_edge_of_a_disc_is_thin_closed_and_in_its_place():
    edge = canny(disc())[0, 0].numpy() > 0
    y, x = np.nonzero(edge)
    far = np.hypot(x + 0.5 - CENTRE[0], y + 0.5 - CENTRE[1])
    assert np.abs(far - RADIUS).max() < 1
    # One pixel wide: nowhere a square of four.
    assert not (edge[1:, 1:] & edge[1:, :-1] & edge[:-1, 1:] & edge[:-1, :-1]).any()
    # Closed: what is inside touches nothing outside, sides alone counting.
    areas, count = label(~edge)
    assert count == 2
    assert areas[40, 47] != areas[0, 0]


def test_a_straight_edge_is_one_line_and_plain_areas_have_none():
    image = torch.zeros(1, 3, 40, 60)
    image[..., 30:] = 1
    assert canny(image).sum() == 40
    assert canny(image.mT.contiguous()).sum() == 40
    assert canny(torch.rand(1, 3, 1, 1).expand(1, 3, 20, 20)).sum() == 0


def test_a_faint_edge_counts_where_it_hangs_on_a_strong_one():
    faint = torch.zeros(1, 3, 40, 60)
    faint[..., 30:] = 0.2
    assert canny(faint).sum() == 0
    faint[..., 30:] = torch.linspace(0.6, 0.2, 40).view(-1, 1)
    assert canny(faint)[..., 28:32].sum() == 40
    assert canny(faint, low=200)[..., 32:, 28:32].sum() == 0


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_image_has_turned_edges(turn):
    edges = canny(disc())
    again = canny(disc().rot90(turn, (2, 3)))
    # Of two equal pixels another may be the first.
    near = torch.nn.functional.max_pool2d(edges.rot90(turn, (2, 3)), 3, stride=1, padding=1)
    assert (again <= near).all()


def test_opencv_finds_the_same_edges():
    cv2 = pytest.importorskip("cv2")
    grey = (disc()[0, 0] * 255).round().byte().numpy()
    theirs = torch.from_numpy(cv2.Canny(grey, 100, 200)).float()[None, None] / 255
    mine = canny(torch.from_numpy(grey).float().div(255).expand(1, 3, -1, -1), sigma=0)
    assert (mine != theirs).float().mean() < 0.005
