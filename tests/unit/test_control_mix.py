"""The bench of mixed people: who is mixed with whom, the exact answers, and the table."""

import pytest
import torch

from benchmarks.control.mix import (
    ARMS,
    CEILING,
    MEASURES,
    OURS,
    RIVAL,
    WHOSE,
    cast,
    measured,
    mix_hosts,
    of_person,
    table,
)
from facea_core.evaluation.identity_encoder import load_attribute_probe


def test_everybody_without_glasses_is_the_rest_once_with_two_others():
    mixes = cast(900, 6)  # number 902 wears glasses
    assert [roles["rest"] for roles in mixes] == [0, 1, 3, 4, 5]
    for roles in mixes:
        assert len(set(roles.values())) == 3
        assert roles["eyes"] != 2
    assert cast(900, 2) == []


def test_the_exact_answer_reads_as_asked_and_the_picture_before_does_not():
    probe, (roles, *_) = load_attribute_probe(), cast(900, 6)
    few, more = mix_hosts(900, roles, 1, 128), mix_hosts(900, roles, 3, 128)
    assert torch.equal(few[0].answer.image, more[0].answer.image)
    exact = of_person([measured(probe, host, host.answer.image) for host in more])
    before = of_person([measured(probe, host, host.before.image) for host in more])
    assert set(exact) == set(MEASURES)
    assert exact["mixed"] > before["mixed"]
    assert exact["confusion"] < before["confusion"]


def test_the_table_sets_our_way_beside_its_rival_and_the_ceiling():
    right = {OURS: 0.6, RIVAL: 0.2, CEILING: 0.8}
    rows = [
        {"person": f"person-{i}", "arm": arm, "scene": 0,
         **{f"exact {part}": right[arm] for part in WHOSE},
         **{f"confused {part}": 0.1 for part in WHOSE}}
        for i in range(3) for arm in ARMS
    ]  # fmt: skip
    text = table(rows)
    assert all(f"| {arm}: {about} |" in text for arm, about in ARMS.items())
    assert "exact: in turn less stacked 0.40" in text
    assert f"{0.6 / 0.8:.2f} of the ceiling" in text
    assert of_person(rows[:1])["confusion"] == pytest.approx(0.1)
