"""What varies in a set: the text of the axes, and a grid in which every level has its share."""

from collections import Counter

import pytest

from facea_core.dataset.config import AXES, DatasetConfig
from facea_core.dataset.grid import MEASURED, axes_of, cells, words_of
from facea_core.errors import ConfigError


def test_a_measured_axis_has_levels_of_its_own():
    yaw, hat = axes_of("yaw; Hat: none,  a  red hat ,none")
    assert yaw.levels == MEASURED["yaw"]
    assert yaw.measured
    assert not yaw.in_words
    assert (hat.name, hat.levels) == ("hat", ("none", "a red hat", "none"))
    assert hat.in_words


def test_axes_may_stand_on_lines_and_there_may_be_none():
    assert [axis.name for axis in axes_of("yaw\nscale: small, large\n\n")] == ["yaw", "scale"]
    assert axes_of(" ;\n") == ()
    assert cells((), 3, "ada", 0) == [{}, {}, {}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hat", "'hat' has no levels"),
        ("yow", "'yow' has no levels; .* only yaw, roll"),
        ("yaw:", "has no levels"),
        ("yaw: up", "'up'; it has left, front, right"),
        ("quality: broken", "clean, blurred, compressed"),
        (": red", "no name"),
        ("yaw; yaw", "'yaw' twice"),
        ("hat: " + ", ".join(str(n) for n in range(51)), "51 levels"),
        ("x" * 10_001, "10001 characters"),
    ],
)
def test_a_text_that_is_no_axis_says_what_to_write(text, why):
    with pytest.raises(ConfigError, match=why):
        axes_of(text)


@pytest.mark.parametrize("count", [1, 7, 25, 40])
def test_every_level_is_there_as_often_as_any_other_within_one(count):
    axes = axes_of(f"{AXES}; hat: none, none, none, a red hat")
    for name in ("ada", "ben"):
        grid = cells(axes, count, name, 0)
        assert len(grid) == count
        for axis in axes:
            times = Counter(cell[axis.name] for cell in grid)
            for level, (least, most) in axis.quota(count).items():
                assert least <= times[level] <= most + axis.levels.count(level) - 1


def test_people_and_seeds_have_grids_of_their_own():
    axes = axes_of(AXES)
    assert cells(axes, 25, "ada", 0) == cells(axes, 25, "ada", 0)
    assert cells(axes, 25, "ada", 0) != cells(axes, 25, "ben", 0)
    assert cells(axes, 25, "ada", 0) != cells(axes, 25, "ada", 1)
    # No two axes in step: pictures would only show one combination of each.
    grid = cells(axes_of("yaw; roll; scale"), 27, "ada", 0)
    assert len({tuple(cell.values()) for cell in grid}) > 9


def test_only_words_that_say_something_are_in_the_prompt():
    axes = axes_of("yaw; quality; hat: none, a red hat; expression: neutral, smiling")
    cell = {"yaw": "left", "quality": "clean", "hat": "a red hat", "expression": "smiling"}
    assert words_of(axes, cell) == ("a red hat", "smiling")
    assert words_of(axes, {**cell, "hat": "none", "expression": "neutral"}) == ()


def test_limits_of_likeness_are_in_order():
    with pytest.raises(ConfigError, match=r"lower is 0.9 and upper 0.8"):
        DatasetConfig(lower=0.9, upper=0.8)
    assert DatasetConfig(lower=0.9).upper == 0
