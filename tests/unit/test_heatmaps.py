import pytest
import torch
import torch.nn.functional as F

from facea_core.detection.heatmaps import find_areas
from facea_core.synthetic.render import PARTS, paint, sample_people, sample_scenes
from facea_core.types import Box


@pytest.fixture(scope="module")
def painting():
    generator = torch.Generator().manual_seed(4)
    return paint(sample_people(12, generator), sample_scenes(12, generator))


def test_boxes_from_heatmaps_are_finer_than_a_cell(painting):
    overlaps = {part: [] for part in PARTS}
    for i, boxes in enumerate(painting.boxes):
        for part in PARTS:
            cells = F.avg_pool2d(painting.masks[part][i], 2)[0].clamp(1e-3, 1 - 1e-3)
            areas = [area for area in find_areas(cells.logit()) if area.mass > 0.1]
            if part not in boxes:
                assert not areas
                continue
            found = Box(
                round(128 * min(area.x0 for area in areas)),
                round(128 * min(area.y0 for area in areas)),
                round(128 * max(area.x1 for area in areas)),
                round(128 * max(area.y1 for area in areas)),
            )
            overlaps[part].append(found.iou(Box(*boxes[part])))
    means = {part: sum(values) / len(values) for part, values in overlaps.items()}
    assert means["face"] > 0.97
    assert min(means.values()) > 0.85


def test_the_coarser_the_cells_the_less_exact_and_never_lost(painting):
    mask = painting.masks["face"][0]
    truth = Box(*painting.boxes[0]["face"])
    for cells in (16, 32, 64):
        heatmap = F.adaptive_avg_pool2d(mask, cells)[0].clamp(1e-3, 1 - 1e-3).logit()
        area = find_areas(heatmap)[0]
        box = Box(*(round(128 * edge) for edge in area[:4]))
        assert box.iou(truth) > 0.9


def test_an_empty_or_broken_heatmap_has_no_areas():
    assert find_areas(torch.full((32, 32), -9.0)) == ()
    assert find_areas(torch.full((32, 32), float("nan"))) == ()
    full = find_areas(torch.full((32, 32), 9.0))
    assert full[0][:4] == (0.0, 0.0, 1.0, 1.0)
