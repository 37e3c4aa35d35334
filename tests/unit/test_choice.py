"""Which step is kept: the best look of a run, also of one that stops early or is stopped."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pytest
import torch

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone, load_backbone
from facea_core.backbone.load import random_backbone
from facea_core.backbone.prompts import Words
from facea_core.composing import ComposeConfig, inpaint
from facea_core.demo import draw_cast
from facea_core.errors import TrainingError
from facea_core.evaluation import TinyEmbedder, likeness
from facea_core.identity import learnable_words
from facea_core.identity.words import by_placeholder
from facea_core.identity_store.store import train_once
from facea_core.training import TrainConfig, face_judge, train_identity
from facea_core.types import Box, FaceAttributes, Identity, Photo, StepReport

CONFIG = TrainConfig(
    attributes="face", steps=6, batch=2, rank=2, variants=1, local_ratio=0.0, choose_every=1,
    report_every=100, save_every=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    backbone = random_backbone(0)
    return replace(backbone, spec=replace(backbone.spec, resolution=32))


def photo(seed: int = 0) -> Photo:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
    return Photo(image, FaceAttributes((64, 64), Box(20, 20, 44, 44), 0.9))


def saying(*scores: float) -> Callable[[Words], float]:
    """Likes the looks as told, one after the other."""
    told: Iterator[float] = iter(scores)
    return lambda words: next(told)


def learn(backbone: Backbone, judge, config: TrainConfig = CONFIG, **more) -> Identity:
    return train_identity([photo()], backbone, config, judge=judge, **more)


def same(one: Identity, other: Identity) -> bool:
    return all(
        torch.equal(weights.up, other.lora[layer].up)
        and torch.equal(weights.down, other.lora[layer].down)
        for layer, weights in one.lora.items()
    ) and all(
        torch.equal(mine.vectors[key], theirs.vectors[key])
        for mine, theirs in zip(one.words, other.words, strict=True)
        for key in mine.vectors
    )


def only(backbone: Backbone, steps: int) -> Identity:
    return learn(backbone, None, replace(CONFIG, steps=steps, choose_every=0))


def test_the_step_with_the_best_look_is_kept(backbone):
    kept = learn(backbone, saying(0.1, 0.2, 0.9, 0.3, 0.9, 0.1))
    assert kept.meta.steps == 3
    assert same(kept, only(backbone, 3))
    assert not same(kept, only(backbone, 6))


def test_looks_are_taken_at_their_steps_and_at_the_end(backbone):
    looks: list[int] = []

    def judge(words: Words) -> float:
        looks.append(len(looks))
        return len(looks)

    kept = learn(backbone, judge, replace(CONFIG, choose_every=4))
    assert len(looks) == 2
    assert kept.meta.steps == 6


def test_it_stops_when_nothing_gets_better(backbone):
    reports: list[StepReport] = []
    judge = saying(0.1, 0.5, 0.4, 0.3, 0.9, 0.9)
    kept = learn(backbone, judge, replace(CONFIG, patience=2), on_step=reports.append)
    assert kept.meta.steps == 2
    assert same(kept, only(backbone, 2))
    assert [report.step for report in reports] == [4]
    assert reports[-1].best == (2, 0.5)


def test_a_look_that_cannot_tell_counts_for_nothing(backbone):
    assert learn(backbone, saying(nan, nan, 0.1, nan, 0.0, nan)).meta.steps == 3
    assert learn(backbone, saying(*[nan] * 6)).meta.steps == 6
    assert learn(backbone, saying(*[-inf] * 6)).meta.steps == 6


def test_without_memory_for_a_look_the_run_goes_on(backbone):
    def judge(words: Words) -> float:
        raise torch.OutOfMemoryError("no memory")

    assert same(learn(backbone, judge), only(backbone, 6))


def test_who_shall_choose_needs_a_judge(backbone):
    with pytest.raises(TrainingError, match="choose_every is 1"):
        learn(backbone, None)


def weigh(words: Words) -> float:
    """A judge of the words alone, so that it says the same in every run."""
    return -abs(sum(float(v.float().sum()) for w in words.values() for v in w.values()) * 1e4 % 7)


class Enough(Exception):
    pass


@pytest.fixture(scope="module")
def undisturbed(backbone: Backbone) -> Identity:
    return learn(backbone, weigh)


@pytest.mark.parametrize(("where", "last"), [("tick", 1), ("look", 1), ("tick", 3), ("look", 5)])
def test_a_run_that_was_stopped_keeps_the_same_step(
    backbone, undisturbed, tmp_path: Path, where: str, last: int
):
    calls = []

    def judge(words: Words) -> float:
        calls.append("look")
        if where == "look" and len(calls) == last:
            raise Enough
        return weigh(words)

    def tick(done: int, total: int) -> None:
        if where == "tick" and done == last:
            raise Enough

    with pytest.raises(Enough):
        learn(backbone, judge, run_dir=tmp_path, on_tick=tick)
    resumed = learn(backbone, weigh, run_dir=tmp_path, resume=True)
    assert resumed.meta.steps == undisturbed.meta.steps
    assert same(resumed, undisturbed)


def test_the_library_says_which_step_it_kept_and_finds_it_again(backbone, tmp_path: Path):
    config = replace(CONFIG, patience=2)
    known = {"name": "ada", "class_noun": "woman"}
    folders = (tmp_path / "people", tmp_path / "runs")
    made = train_once([photo()], backbone, config, *folders, judge=saying(0.5, 0, 0), **known)
    assert (made.record["steps"], made.record["steps_run"]) == (1, 3)
    found = train_once([photo()], backbone, config, *folders, judge=saying(), **known)
    assert found.record["cached"]
    assert found.record["steps"] == 1


def test_each_photo_is_compared_with_the_others(backbone):
    photos = [photo(seed) for seed in range(3)]
    seen: list[tuple[Photo, Sequence[Photo]]] = []

    def alike(face: Photo, others: Sequence[Photo]) -> float:
        seen.append((face, others))
        return float(len(seen))

    settings, words = ComposeConfig(steps=2), words_of(backbone, CONFIG)
    judge = face_judge(inpaint, settings, photos, backbone, CONFIG, alike)
    assert judge(words) == 2
    assert [others for _, others in seen] == [
        [other for other in photos if other is not mine] for mine in photos
    ]
    for face, _ in seen:
        box = face.attributes.face
        assert face.image.shape == (1, 3, 32, 32)
        assert 0 < box.x0 < box.x1 < 32
        assert 0 < box.y0 < box.y1 < 32
    seen.clear()
    face_judge(inpaint, settings, photos[:1], backbone, CONFIG, alike)(words)
    assert list(seen[0][1]) == photos[:1]


def words_of(backbone: Backbone, config: TrainConfig) -> Words:
    flat = learnable_words(backbone, "person", attribute_table(config.attributes))
    return by_placeholder(flat.values())


def test_a_person_who_was_learned_is_liked_better_than_one_who_was_not():
    """The real judge, on the model that ships with the pack."""
    backbone, cast = load_backbone("tiny"), draw_cast(5, 128)
    photos = [
        Photo(image, FaceAttributes((128, 128), Box(*boxes["face"]), 1.0))
        for image, boxes in zip(cast.photos.image.split(1), cast.photos.boxes, strict=True)
    ]
    embedder, config = TinyEmbedder(), TrainConfig.from_preset("tiny", attributes="face")
    scores: list[float] = []
    judge = face_judge(
        inpaint, ComposeConfig(steps=4), photos, backbone, config,
        lambda face, others: likeness(embedder, face, others),
    )  # fmt: skip
    short = replace(config, steps=20, batch=2, variants=1, choose_every=20)
    scores.append(judge(words_of(backbone, config)))
    train_identity(photos, backbone, short, judge=lambda words: scores.append(judge(words)) or 0.0)
    assert scores[-1] > scores[0] + 0.1
