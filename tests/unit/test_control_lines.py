"""The hints of the bench, and the pictures they are for."""

import torch

from benchmarks.control import hints
from benchmarks.control.lines import lines, moved_hosts, warped


def test_lines_are_thin_white_and_in_the_face():
    (host,) = moved_hosts(0, 1, 128)
    hint = lines(host.answer)
    assert hint.shape == (1, 3, 128, 128)
    assert set(hint.unique().tolist()) == {0.0, 1.0}
    assert 0.02 < hint.mean() < 0.2


def test_a_hint_moved_on_its_own_points_stays_and_on_others_comes_to_lie_there():
    for host in moved_hosts(3, 2, 128):
        own = lines(host.photo)
        assert (warped(own, host.photo, host.photo) - own).abs().max() < 1e-3
        moved = warped(own, host.photo, host.answer)
        there = lines(host.answer)
        overlap = (moved * there).sum() / there.sum()
        assert overlap > (own * there).sum() / there.sum()
        assert overlap > 0.4


def test_the_mask_holds_every_head_and_leaves_the_neighbour():
    for host in moved_hosts(5, 2, 128):
        other = slice(128, 256) if host.left == 0 else slice(0, 128)
        assert not host.mask[..., other].any()
        face = host.answer.masks["face"] > 0.5
        assert host.mask[..., host.left : host.left + 128][face].all()
        assert torch.equal(host.picture[..., other], host.neighbour.image)


def test_the_table_says_what_a_hint_changes_in_each_person():
    figures = dict.fromkeys(hints.MEASURES, 0.5)
    rows = [
        {**figures, "person": person, "arm": arm, "landmarks": 0.1 if arm == "none" else 0.04}
        for person in ("a", "b", "c")
        for arm in hints.ARMS
    ]
    text = hints.table(rows)
    assert "Landmarks, own less none: -0.06" in text
    assert "Shape, warped less template: 0.00" in text
    assert len(text.splitlines()) == 2 + len(hints.ARMS) + 1 + 9
