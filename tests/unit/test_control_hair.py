"""The bench of other hair and of edits: who the hosts are, what is measured, and the tables."""

from math import nan

import torch

from benchmarks.control import edit, hair
from facea_core.synthetic.parameters import SCENE, SMILING, hair_style, labels


def test_hosts_have_other_hair_and_are_the_same_for_any_count():
    few, more = hair.hair_hosts(5, 2, 64), hair.hair_hosts(5, 6, 64)
    for one, again in zip(few, more, strict=False):
        assert torch.equal(one.before.image, again.before.image)
    own = int(hair_style(more[0].answer.people))
    styles = [int(hair_style(host.before.people)) for host in more]
    assert own not in styles
    assert len(set(styles)) == len(styles)
    assert styles == sorted(styles, reverse=True)


def test_nothing_is_hidden_by_hair_that_lies_inside_the_head_that_is_painted():
    hosts = hair.hair_hosts(5, 6, 64)
    assert {host.longer for host in hosts} == {True, False}
    for host in hosts:
        head = host.answer.masks["face"] + host.answer.masks["hair"] > 0.5
        assert not (host.hidden.bool() & head).any()


def test_the_table_of_hair_tells_longer_from_shorter():
    rows = [
        {"person": f"person-{i}", "arm": arm, "scene": k, "style": 1.0, "colour": 0.5,
         "backdrop": 0.25 if k else nan}
        for i in range(3) for arm in hair.ARMS for k in range(2)
    ]  # fmt: skip
    lines = hair.table(rows).splitlines()[2:]
    assert len(lines) == 2 * len(hair.ARMS)
    assert all(line.startswith("| longer") and "| 0.25 (" in line for line in lines[:3])
    assert all(line.startswith("| shorter") and "| – |" in line for line in lines[3:])


def test_edits_start_from_faces_at_rest():
    for scene in edit.calm_scenes(5, 3):
        assert float(scene[0, SCENE.index("smile")]) < SMILING


def test_every_change_is_an_answer_of_its_question():
    known = labels(hair.hair_hosts(5, 1, 64)[0].before.people)
    asked = {change.question for change in edit.CHANGES.values()}
    assert asked - set(known) == {"smile", "open_mouth"}


def test_the_table_of_edits_says_what_each_costs():
    likeness = {"edit": 0.75, "text": 0.7, "base": 0.1, "untouched": 0.8}
    rows = [
        {"person": f"person-{i}", "arm": f"{name}, {arm}", "scene": 0, "right": 1.0, "kept": 0.9,
         "likeness": likeness[arm]}
        for i in range(3) for name in edit.CHANGES for arm in edit.ARMS
    ]  # fmt: skip
    lines = edit.table(rows).splitlines()[2:]
    assert len(lines) == len(edit.CHANGES) * len(edit.ARMS)
    assert "| -0.05 (" in lines[0]
    assert lines[3].endswith("| – |")
