"""The bench of swaps: who the targets are, what is measured of both bounds, and the table."""

from math import nan

import torch

from benchmarks.control import swap
from benchmarks.control.bench import Bench
from benchmarks.control.form import Control
from facea_core.box import Box
from facea_core.synthetic.parameters import IDENTITY, labels


def test_targets_are_the_same_for_any_count_and_the_answer_has_their_hair():
    few, more = swap.swap_hosts(5, 1, 64), swap.swap_hosts(5, 3, 64)
    for one, again in zip(few, more, strict=False):
        assert torch.equal(one.before.image, again.before.image)
        assert torch.equal(one.people, again.people)
    for host in more:
        given, made = labels(host.before.people), labels(host.answer.people)
        assert all(given[name] == made[name] for name in ("gender", "hair_style", "hair_colour"))
        kept = [i for i in range(len(IDENTITY)) if not IDENTITY[i].startswith("hair")]
        assert torch.equal(host.answer.people[:, kept], host.people[:1, kept])
        assert host.with_hair.shape == (200, len(IDENTITY))
        assert len({int(style) for style in labels(host.with_hair)["hair_style"]}) == 1


def test_the_target_is_somebody_else_and_the_answer_right():
    bench = Bench(Control(first=900, people=2, hosts=2))
    bounds = swap.paint_swaps(bench, 0, lambda arm, _: arm in swap.BOUNDS)  # type: ignore[arg-type]
    found = list(bounds)
    assert len(found) == 2 * len(swap.BOUNDS)
    for one in found:
        assert one.figures["nearest"] == float(one.arm != "target")
        assert one.figures["hair"] >= 0.5


def test_a_microphone_stands_on_the_lower_edge_in_front_of_the_chin():
    mask = swap.microphone(Box(40, 30, 80, 84), 128)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert mask[0, 0, -1].any()
    assert mask[0, 0, 84, 60] == 1
    assert not mask[0, 0, :70].any()


def test_the_table_says_the_largest_change_outside():
    rows = [
        {"person": f"person-{i}", "arm": arm, "scene": 0, "nearest": 1.0, "own_hair": 0.5,
         "expression": 0.5, "hair": 1.0, "outside": 0.25 * i if arm in swap.ARMS else nan}
        for i in range(3) for arm in (*swap.ARMS, *swap.BOUNDS)
    ]  # fmt: skip
    lines = swap.table(rows).splitlines()[2:]
    assert len(lines) == len(swap.ARMS) + len(swap.BOUNDS)
    assert lines[0].endswith("| 0.5 |")
    assert lines[-1].endswith("| – |")
