"""Arms, estimates, tables and the journal."""

import json
import math

import pytest
import torch

from benchmarks.likeness.arms import ARMS, GROUPS, REFERENCE, arms
from benchmarks.likeness.journal import Journal, read_rows
from benchmarks.likeness.metrics import MEASURES
from benchmarks.likeness.run import WHOLE, BenchmarkConfig
from benchmarks.likeness.tables import (
    as_csv,
    as_dict,
    difference,
    estimate,
    markdown,
    ratio,
    results,
)
from facea_core.errors import ConfigError
from facea_core.training import TrainConfig

from .rows import rows


def test_arms_are_found_by_name_and_group():
    assert [arm.name for arm in arms("words-only, rivals")][:3] == [
        REFERENCE, "words-only", "caption"
    ]  # fmt: skip
    assert {arm.name for arm in arms("all")} == set(ARMS) == set(GROUPS["all"])
    with pytest.raises(ConfigError, match="'words-onyl'; did you mean 'words-only'"):
        arms("words-onyl")


def test_settings_are_an_arm_too():
    _, mine = arms("steps=7+targets=wide+lora_lr=0.5")
    way = mine.training(TrainConfig())
    assert way == TrainConfig(steps=7, targets="wide", lora_lr=0.5)
    _, earlier = arms("steps=7+targets=wide+lora_rate=0.5")
    assert earlier.training(TrainConfig()) == way
    for wrong, said in (("stesp=7", "steps"), ("steps=many", "steps"), ("steps=0", "steps")):
        with pytest.raises(ConfigError, match=said):
            arms(wrong)
    rows = [
        {"person": person, "arm": arm, "scene": 0, "heldout": value}
        for person in "ab" for arm, value in (("steps=7", 0.5), (REFERENCE, 0.25))
    ]  # fmt: skip
    found = results(rows)
    assert [result.arm for result in found] == [REFERENCE, "steps=7"]
    assert found[1].differences["heldout"].mean == 0.25


@pytest.mark.parametrize("preset", ["paper", "tiny"])
def test_every_arm_is_a_training_that_differs_from_the_others_or_is_the_reference(preset: str):
    start = TrainConfig.from_preset(preset)
    hashes = {}
    for arm in ARMS.values():
        if arm.kind == "train":
            hashes.setdefault(arm.training(start).hash, []).append(arm.name)
    # What the preset does already has a name in the ablation too.
    twins = [names for names in hashes.values() if len(names) > 1]
    assert all(REFERENCE in names for names in twins)
    assert ARMS["steps-half"].training(start).steps == start.steps // 2
    assert ARMS["rates-double"].training(start).lora_lr == 2 * start.lora_lr


def test_estimates_hold_the_mean_of_people():
    values = torch.randn(12, generator=torch.Generator().manual_seed(0)).tolist()
    found = estimate(values)
    assert found.mean == pytest.approx(sum(values) / 12)
    assert found.low < found.mean < found.high
    wide = 1.96 * torch.tensor(values).std() / math.sqrt(12)
    assert found.high - found.low == pytest.approx(float(2 * wide), rel=0.25)
    assert estimate(values) == found
    moved = estimate([value + 7 for value in values])
    assert moved[:3] == pytest.approx([value + 7 for value in found[:3]])


def test_an_interval_leans_where_the_values_do():
    found = estimate([0.0] * 10 + [1.0, 3.0])
    assert found.high - found.mean > 1.5 * (found.mean - found.low)


@pytest.mark.filterwarnings("error")
def test_an_interval_of_nobody_of_one_and_of_people_all_alike():
    assert math.isnan(estimate([]).mean)
    one = estimate([0.5])
    assert (one.mean, one.people) == (0.5, 1)
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    assert estimate([0.5] * 4) == (0.5, 0.5, 0.5, 4)
    for values in ([0.1 + 0.2, 0.3], [0.0, 1e-300, 0.0], [1.0, 1.0 + 2**-52, 1.0]):
        found = estimate(values)
        assert min(values) == found.low <= found.mean <= found.high == max(values)
    assert estimate([0.0, 1.0])[1:3] == (0.0, 1.0)


@pytest.mark.filterwarnings("error")
def test_a_ratio_is_that_of_sums_and_not_led_by_a_small_divisor():
    pairs = [(0.5, 1.0), (0.3, 0.5), (0.9, 1.5), (0.5, 1.2), (-0.02, 0.01)]
    found = ratio(pairs)
    assert found.mean == pytest.approx(2.18 / 4.21)
    assert 0.4 < found.low < found.mean < found.high < 0.62
    # All divisors alike: a mean of ratios.
    even = [(value, 2.0) for value in (0.2, 0.5, 0.9, 0.4)]
    assert ratio(even)[:3] == pytest.approx(estimate([value / 2 for value, _ in even])[:3])
    assert ratio([(value, 2 * value) for value in (0.1, 0.7, 0.2)])[:3] == (0.5, 0.5, 0.5)


@pytest.mark.filterwarnings("error")
def test_a_ratio_of_nobody_of_one_and_by_nothing():
    assert math.isnan(ratio([]).mean)
    assert math.isnan(ratio([(1.0, 0.0), (2.0, 0.0)]).mean)
    one = ratio([(1.0, 4.0)])
    assert (one.mean, one.people) == (0.25, 1)
    assert math.isnan(one.low)


def test_differences_are_paired():
    spread = {str(i): float(i) for i in range(8)}
    better = {person: value + 0.1 for person, value in spread.items()}
    found = difference(better, {**spread, "somebody": 5.0})
    assert found.people == 8
    assert found.mean == pytest.approx(0.1)
    assert found.clear
    assert not difference(spread, spread).clear


def test_tables_say_the_same_in_every_form():
    found = results(rows())
    assert [r.arm for r in found] == [REFERENCE, "caption"]
    assert found[1].differences["heldout"].mean == pytest.approx(-0.3)
    assert "| caption | **-0.300 (-0.300 to -0.300)** |" in markdown(found)
    plain = json.loads(json.dumps(as_dict(found), allow_nan=False))
    assert plain["caption"]["less"]["heldout"]["mean"] == pytest.approx(-0.3)
    assert plain["caption"]["measures"]["prompt"]["mean"] is None
    assert len(as_csv(found).splitlines()) == 1 + 2 * len(MEASURES)


def test_a_torn_line_is_dropped_and_the_others_stay(tmp_path):
    about = {"seed": 1}
    journal = Journal(tmp_path, about)
    for row in rows(2):
        journal.add(row)
    whole = journal.path.read_bytes()
    for cut in (1, 20, len(whole) // 2):
        journal.path.write_bytes(whole[:-cut])
        kept = Journal(tmp_path, about)
        assert len(read_rows(tmp_path)) == whole[:-cut].count(b"\n")
        missing = rows(2)[len(read_rows(tmp_path)) :]
        for row in missing:
            kept.add(row)
        assert kept.path.read_bytes() == whole
    assert WHOLE not in {row["scene"] for row in read_rows(tmp_path)}


def test_processes_share_a_folder_and_strangers_do_not(tmp_path):
    first, second = Journal(tmp_path, {"seed": 1}), Journal(tmp_path, {"seed": 1}, share=2)
    for row in rows(2)[:4]:
        first.add(row)
    for row in rows(2)[4:]:
        second.add(row)
    assert read_rows(tmp_path) == sorted(rows(2), key=lambda r: (r["person"], r["arm"], r["scene"]))
    with pytest.raises(ConfigError, match="another benchmark .*seed: 1, now 2"):
        Journal(tmp_path, {"seed": 2})


@pytest.mark.parametrize("part", ["0/2", "3/2", "x", "1", "1/2/3", "-1/1"])
def test_a_part_that_is_none_is_refused(part: str):
    with pytest.raises(ConfigError, match="part is"):
        BenchmarkConfig(part=part)
