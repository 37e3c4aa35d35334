"""benchmarks.dataset: the figures of recognition, and what recognisers learn from."""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from benchmarks.dataset import bias, form
from benchmarks.dataset.bench import Bench
from benchmarks.dataset.choice import FREE, compared
from benchmarks.dataset.form import Sets
from benchmarks.dataset.heads import SIDE, Heads, anywhere, heads_of, painted, photos_of, set_of
from benchmarks.dataset.learn import learn, move, vectors_of
from benchmarks.dataset.metrics import eer, pairs, rank_1, recognition, tar_at, threshold_at
from benchmarks.dataset.run import TASKS, run
from benchmarks.dataset.sets import entropy, levels
from benchmarks.likeness.journal import read_rows
from benchmarks.likeness.subjects import painted_subject
from benchmarks.tasks import tasks_named
from facea_core.detection.load import load_detector
from facea_core.errors import AssetError, ConfigError
from facea_core.evaluation import face_crop
from facea_core.synthetic.parameters import IDENTITY, labels
from tests.unit.painted_set import write_painted_set


def heads(numbers: range, each: int) -> Heads:
    """Heads that were not searched for."""
    shown = list(painted(anywhere(number, each) for number in numbers))
    crops = torch.cat([face_crop(one.image, one.face, SIDE) for one in shown])
    who = torch.tensor([one.label for one in shown])
    return Heads((crops * 255).round().byte(), who, torch.zeros(len(who), 5), "")


def test_the_equal_error_rate_of_known_cosines():
    own, strangers = torch.tensor([0.9, 0.8, 0.7, 0.4]), torch.tensor([0.5, 0.3, 0.2, 0.1])
    assert eer(own, strangers) == pytest.approx(0.25)
    assert eer(own, strangers - 0.2) == 0
    assert eer(strangers, own) == pytest.approx(0.75)
    many = torch.rand(4000, generator=torch.Generator().manual_seed(0))
    assert eer(many[:2000], many[2000:]) == pytest.approx(0.5, abs=0.03)


def test_the_share_that_is_let_in_while_one_stranger_in_a_hundred_is():
    strangers = torch.arange(100) / 100
    limit = threshold_at(strangers, 0.01)
    assert (strangers > limit).sum() == 1
    assert tar_at(torch.tensor([0.5, 0.985, 0.99, 1.0]), strangers, 0.01) == 0.75
    assert tar_at(torch.tensor([0.5]), torch.zeros(10), 1e-3) == 1


def test_every_pair_of_pictures_counts_once():
    own, strangers = pairs(torch.rand(6, 6), torch.tensor([0, 0, 1, 1, 2, 2]))
    assert (len(own), len(strangers)) == (3, 12)


def test_rank_1_asks_whose_first_picture_is_nearest():
    vectors = F.normalize(torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [1.0, 0.2]]), dim=1)
    assert rank_1(vectors, torch.tensor([0, 0, 1, 1])) == 0.5
    assert rank_1(vectors, torch.tensor([0, 0, 1, 0])) == 1


def test_a_better_set_makes_a_better_recogniser():
    """Right labels against wrong ones, on people whom neither saw."""
    right, test = heads(range(24), 4), heads(range(100_000, 100_020), 3)
    shuffled = right.labels[torch.randperm(len(right.labels), generator=torch.manual_seed(0))]
    wrong = Heads(right.crops, shuffled, right.measures, "")
    good, bad = (
        recognition(vectors_of(learn(one, 0, 20), test.crops), test.labels)
        for one in (right, wrong)
    )
    assert good["eer"] < 0.6 * bad["eer"]
    assert good["tar"] > bad["tar"]
    assert good["rank_1"] > bad["rank_1"]


def test_a_recogniser_comes_of_its_heads_and_its_seed_alone():
    some = heads(range(3), 2)
    state = torch.get_rng_state()
    first, again, other = (learn(some, seed, 2, moved=True) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.out.weight, again.out.weight)
    assert not torch.equal(first.out.weight, other.out.weight)
    with pytest.raises(ConfigError, match="one person"):
        learn(heads(range(1), 2), 0, 1)


def test_what_is_moved_stays_a_picture_of_about_the_same():
    crops = heads(range(2), 2).crops.float() / 255
    moved = move(crops, torch.Generator().manual_seed(0))
    assert moved.shape == crops.shape
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert 0.01 < (moved - crops).abs().mean() < 0.25


def test_nobody_is_learned_from_and_tested_on():
    with pytest.raises(ConfigError, match="nobody is both"):
        Sets(first=0, people=100, first_other=99)
    with pytest.raises(ConfigError, match="nobody is both"):
        Sets(first=150, people=10, first_other=0, others=151)
    Sets(first=0, people=100, first_other=100)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"vary": "skin, hat"}, "'hat'"),
        ({"sets": (Path("sets/a"),)}, "name=folder"),
        ({"sets": (Path("truth=sets/a"),)}, "'truth' twice"),
        ({"sets": (Path("a=b"), Path("a=c"))}, "'a' twice"),
        ({"sets": (Path("a=b"),), "keep": "b:3"}, "'b:3'"),
        ({"sets": (Path("a=b"),), "keep": "a:1"}, "'a:1'"),
        ({"keep": "3"}, "'3'"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, object], complaint: str):
    with pytest.raises(ConfigError, match=complaint):
        Sets(**said)  # pyright: ignore[reportArgumentType]


def test_photos_are_those_that_the_person_is_learned_from():
    detector = load_detector("tiny")
    photos = painted_subject(7, 0, 128, detector).photos
    shown = list(painted([photos_of(7)]))
    for photo, one in zip(photos, shown, strict=True):
        assert torch.equal(photo.image, one.image)


def test_a_set_is_read_by_its_list_and_cut_by_its_boxes(tmp_path: Path):
    pictures = write_painted_set(tmp_path, (3, 5), 2)
    shown, total, source = set_of(tmp_path)
    read = heads_of(shown, total, load_detector("tiny"), source)
    assert read.labels.tolist() == [0, 0, 1, 1]
    assert read.measures.isfinite().any(dim=1).all()
    right = heads(range(3, 4), 2).crops.float()
    assert (read.crops[:2].float() - right).abs().mean() < 6  # what a JPEG loses
    (tmp_path / pictures[1].path).write_bytes(b"another")
    with pytest.raises(AssetError, match="not the picture"):
        list(set_of(tmp_path)[0])


def test_only_the_attribute_varies_and_only_where_it_can():
    people = torch.cat([anywhere(number, 1)[0] for number in range(40)])
    before = labels(people)
    for attribute, names in bias.LEVELS.items():
        for level in range(len(names)):
            changed, reached = bias.varied(people, attribute, level)
            after = labels(changed)
            assert (after[attribute][reached] == level).all()
            assert torch.equal(changed[~reached], people[~reached])
            assert all(torch.equal(after[n], before[n]) for n in before if n != attribute)
            man = before["gender"] == 0
            assert torch.equal(reached, man | (attribute != "beard" or level == 0))
            column = IDENTITY.index(attribute)
            assert torch.equal(changed[:, :column], people[:, :column])


def test_errors_of_people_as_they_are_have_the_rate_of_the_threshold():
    draw = torch.Generator().manual_seed(0)
    vectors = F.normalize(torch.randn(40, 6, 8, generator=draw), dim=2)
    plain = bias.Compared(F.normalize(vectors[:, :3].mean(dim=1), dim=1), vectors[:, 3:])
    limit = threshold_at(bias.strangers_of(plain.probes, plain.centres).flatten(), 0.05)
    everybody = torch.ones(40, dtype=torch.bool)
    found = bias.errors(plain, plain, limit, everybody)
    assert float(found["alike passed"].mean()) == pytest.approx(0.05, abs=1e-3)
    assert torch.equal(found["missed"], found["alike missed"])
    own = bias.Compared(plain.centres, plain.centres[:, None])
    assert float(bias.errors(own, own, limit, everybody)["own"].min()) == pytest.approx(1)
    # Only who has the level is a stranger there: nobody passes for the one who has it alone.
    alone = torch.arange(40) == 3
    passed = bias.errors(plain, plain, -1.1, alone)["alike passed"]
    assert passed[4] == 1
    assert passed[3].isnan()


def test_entropy_is_1_where_all_levels_are_as_frequent_and_0_for_one():
    values = torch.tensor([0.0, 0.5, 1.0, float("nan")])
    assert levels(values, (0.3, 0.7)).tolist() == [0, 1, 2]
    assert entropy(levels(values, (0.3, 0.7)), 3) == pytest.approx(1)
    assert entropy(torch.tensor([2, 2]), 3) == 0
    assert math.isnan(entropy(torch.tensor([], dtype=torch.long), 3))


def test_chosen_pictures_are_farther_apart_than_those_by_chance():
    found = compared(torch.randn(24, 6, generator=torch.Generator().manual_seed(0)), 1.0, 0)
    assert found[f"{FREE}: least"] > 1.2 * found[f"{FREE}: least by chance"]
    assert set(compared(torch.randn(1, 2), 0.0, 0)) == set()


def test_some_pictures_of_each_person_are_kept_the_farthest_or_by_chance(tmp_path: Path):
    write_painted_set(tmp_path / "a", range(3), 6)
    flags = dict(people=3, pictures=2, others=2, other_pictures=2, keep="a:3")
    bench = Bench(Sets(out=tmp_path, sets=(Path(f"a={tmp_path / 'a'}"),), **flags))  # pyright: ignore
    assert bench.arms == ("truth", "a", "a, farthest", "a, chance", "photos")
    whole = bench.heads("a")
    sources = {whole.source}
    for arm in ("a, farthest", "a, chance"):
        some = bench.heads(arm)
        assert some.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
        for one, label in zip(some.crops, some.labels.tolist(), strict=True):
            assert (whole.crops[whole.of(label)] == one).flatten(1).all(dim=1).any()
        sources.add(some.source)
    assert len(sources) == 3


def test_the_tasks_are_those_that_the_help_names():
    assert tuple(TASKS) == form.TASKS
    with pytest.raises(ConfigError, match="'upstream'"):
        tasks_named("upstream", TASKS)


def test_a_run_goes_on_where_it_stopped_and_tells_sets_apart(tmp_path: Path):
    write_painted_set(tmp_path / "a", range(3), 4)
    write_painted_set(tmp_path / "b", range(3), 3)
    few = dict(people=3, pictures=4, steps=1, others=4, other_pictures=2, vary="glasses")
    out = tmp_path / "out"

    def asked(folder: str, tasks: str, seeds: int = 1) -> Sets:
        sets = (Path(f"sampled={tmp_path / folder}"),)
        return Sets(out=out, sets=sets, seeds=seeds, tasks=tasks, **few)  # pyright: ignore

    run(asked("a", ", ".join(form.TASKS)))
    rows, text = read_rows(out), (out / "table.md").read_text("utf-8")
    assert all(f"## {task}" in text for task in form.TASKS)
    assert (out / "encoders" / "sampled-0.safetensors").exists()
    run(asked("a", ", ".join(form.TASKS)))
    assert read_rows(out) == rows
    run(asked("a", "downstream", seeds=2))
    assert len(read_rows(out)) == len(rows) + 3
    assert " of 2 |" in (out / "table.md").read_text("utf-8")
    with pytest.raises(ConfigError, match="another set called sampled"):
        run(asked("b", "downstream"))
    other = Bench(Sets(out=out, **{**few, "steps": 2}))  # pyright: ignore
    with pytest.raises(ConfigError, match="another benchmark"):
        _ = other.journal
