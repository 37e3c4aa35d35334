"""The bench of what a word controls: exact answers, and what is measured against them."""

from pathlib import Path

import pytest
import torch

from benchmarks.control import blend, form, heads, slider
from benchmarks.control.bench import load_second_probe
from benchmarks.control.measure import gains, measured, of_person
from benchmarks.control.page import page
from benchmarks.control.parts import SELECTIVITY, share, table, transfer
from benchmarks.control.repaint import ARMS, pasted
from benchmarks.control.run import TASKS
from benchmarks.control.slider import spearman
from benchmarks.control.truth import COLUMNS, chimera, hosts
from benchmarks.likeness.subjects import painted_subject
from benchmarks.tasks import tables, tasks_named
from facea_core.detection.load import load_detector
from facea_core.errors import AssetError, ConfigError
from facea_core.evaluation.identity_encoder import (
    QUESTIONS,
    AttributeProbe,
    IdentityEncoder,
    load_attribute_probe,
)
from facea_core.io.images import save_image
from facea_core.seeds import seeded
from facea_core.synthetic.parameters import IDENTITY, sample_people
from pretraining.job import write


def test_a_chimera_has_the_numbers_of_its_parts_and_no_others():
    one, other = sample_people(2, seeded(0)).split(1)
    for part, names in COLUMNS.items():
        mixed = chimera(one, other, [part])
        changed = {IDENTITY[i] for i in (mixed != one)[0].nonzero()[:, 0].tolist()}
        assert changed == set(names)
    assert torch.equal(chimera(one, other, []), one)


def test_hosts_are_the_same_for_any_count_and_differ_from_their_answer_in_the_part():
    few, more = hosts(3, 1, 64), hosts(3, 3, 64)
    assert len(few) < len(more)
    for one, again in zip(few, more, strict=False):
        assert torch.equal(one.before.image, again.before.image)
    for host in more:
        assert host.given != host.wanted
        assert not torch.equal(host.before.image, host.answer.image)
        assert host.part in host.asked


def test_the_exact_answer_is_transferred_whole_and_the_picture_itself_not_at_all():
    probe, some = load_attribute_probe(), hosts(3, 2, 128)
    before = [measured(probe, host, host.before.image) for host in some]
    answer = [measured(probe, host, host.answer.image) for host in some]
    same, exact = of_person(before), of_person(answer)
    gain, possible = gains(before)
    assert gain == pytest.approx(0)
    assert gains(answer) == pytest.approx((possible, possible))
    assert same["leak"] == pytest.approx(0)
    assert exact["exact"] > same["exact"]


@pytest.mark.parametrize("part", COLUMNS)
def test_a_part_pasted_in_its_own_place_changes_nothing(part: str):
    subject = painted_subject(3, 1, 128, load_detector("tiny"))
    photo, other = subject.photos[:2]
    assert torch.allclose(
        pasted(photo.image, photo.attributes, photo, part), photo.image, atol=1e-6
    )
    assert not torch.equal(pasted(other.image, other.attributes, photo, part), other.image)


def test_the_table_has_every_arm_and_says_how_selective_the_word_is():
    rows = [
        {"person": f"person-{i}", "arm": arm, "scene": 0, "part": part, "before": 0.2,
         "after": 0.6 if arm == SELECTIVITY[0] else 0.4, "answer": 1.0, "exact": 0.0, "leak": 0.1}
        for i in range(3) for arm in ARMS for part in COLUMNS
    ]  # fmt: skip
    text = table(rows)
    assert all(f"| {arm}: {ARMS[arm].about} |" in text for arm in ARMS)
    assert "LoRA + word less LoRA + class word: 0.25" in text


def test_transfer_counts_repaints_by_what_there_was_to_change():
    def row(person: str, arm: str, gain: float, possible: float):
        return {"person": person, "arm": arm, "part": "nose", "before": 0.1,
                "after": 0.1 + gain, "answer": 0.1 + possible}  # fmt: skip

    rows = [
        row("ada", "LoRA + word", 0.4, 0.8), row("ben", "LoRA + word", -0.02, 0.01),
        row("ada", "LoRA + class word", 0.1, 0.8), row("ben", "LoRA + class word", 0.02, 0.01),
        row("ada", "chimera", 0.6, 0.8), row("ben", "chimera", 0.005, 0.01),
    ]  # fmt: skip
    # A mean of ratios would be (0.5 - 2) / 2.
    assert transfer(rows, "LoRA + word").mean == pytest.approx(0.38 / 0.81)
    assert transfer(rows, *SELECTIVITY).mean == pytest.approx(0.26 / 0.81)
    assert share(rows, "LoRA + word").mean == pytest.approx(0.38 / 0.605)
    assert share(rows, "chimera")[:3] == (1, 1, 1)


def test_the_table_of_heads_says_who_appears_unasked():
    rows = [
        {"person": f"person-{i}", "arm": arm, "scene": 0, "prompt": 0.5,
         "likeness": {heads.ASKED: 0.8, heads.UNASKED: 0.3}.get(arm, 0.1)}
        for i in range(3) for arm in heads.ARMS
    ]  # fmt: skip
    text = heads.table(rows)
    assert "Bleed, class word less nobody: 0.20" in text
    assert "Selectivity, words less class word: 0.50" in text


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.0, 1.5])
def test_a_second_probe_is_read_back_whatever_its_width(tmp_path: Path, scale: float):
    probe = AttributeProbe(IdentityEncoder(scale)).eval()
    write(probe.state_dict(), path := tmp_path / "encoder.safetensors")
    crop = torch.rand(2, 3, 64, 64)
    mine, read = probe.look(crop), load_second_probe(path).look(crop)
    assert torch.equal(mine.vector, read.vector)
    assert all(torch.equal(mine.classes[name], read.classes[name]) for name in QUESTIONS)
    save_image(crop[:1], wrong := tmp_path / "wrong.png")
    with pytest.raises(AssetError, match="is no encoder"):
        load_second_probe(wrong)


def test_a_task_that_there_is_not_is_refused():
    assert list(tasks_named("heads, parts", TASKS)) == ["heads", "parts"]
    with pytest.raises(ConfigError, match="parts, heads"):
        tasks_named("noses", TASKS)


def test_tables_are_those_of_the_tasks_that_were_painted():
    row = {"person": "person-0", "arm": "heads: words", "scene": 0, "likeness": 0.8, "prompt": 1.0}
    assert "## heads" in (text := tables([row], TASKS))
    assert "## parts" not in text


def test_the_page_shows_each_picture_in_the_column_of_its_arm():
    rows = [
        {"person": "person-0", "arm": f"{task}: {arm}", "scene": 1}
        for task, arm in (
            ("edit", "smile, edit"),
            ("edit", "smile, text"),
            ("hair", "100 % bald"),
        )
    ]
    html = page(rows)
    assert html.count("<h2>") == 2
    assert html.index("<th>smile, edit</th>") < html.index("<th>smile, text</th>")
    assert 'src="pictures/edit/smile%2C%20edit/person-0-1.png"' in html
    assert 'src="pictures/hair/100%20%25%20bald/person-0-1.png"' in html


def test_the_rank_correlation_knows_order_and_nothing_else():
    assert spearman([0.1, 0.2, 0.9, 1.0]) == pytest.approx(1)
    assert spearman([1.0, 0.9, 0.2, 0.1]) == pytest.approx(-1)


def test_the_table_of_sliders_says_how_evenly_each_rises_and_what_it_costs():
    arms = {f"{name} {at:+g}": at for name in slider.QUESTIONS for at in slider.STRENGTHS}
    rows = [
        {"person": "person-0", "arm": arm, "scene": 0, "likeness": 0.8 - abs(at) / 10,
         **dict.fromkeys(slider.QUESTIONS, (at + 2) / 4)}
        for arm, at in {**arms, slider.BOTH: 1.0}.items()
    ]  # fmt: skip
    for line in slider.table(rows).splitlines()[2:]:
        assert line.endswith("| 1.00 | 1.00 | -0.10 | -0.10 | 0.00 |")


def test_the_table_of_blends_goes_from_the_one_to_the_other():
    rows = [
        {"person": f"person-{i}", "arm": arm, "scene": 0, "first": 0.8 - at / 2,
         "second": 0.3 + at / 2}
        for i in range(3) for arm, at in blend.ARMS.items()
    ]  # fmt: skip
    lines = blend.table(rows).splitlines()[2:]
    assert [line.rsplit("| ", 1)[-1][:5] for line in lines] == [
        "0.50 ", "0.25 ", "0.00 ", "-0.25", "-0.50",
    ]  # fmt: skip


def test_the_tasks_are_those_that_the_help_names():
    assert tuple(TASKS) == form.TASKS
