"""What is random about a training step: every item in its turn, as often as the settings say."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from facea_core.identity.subject import SOMEBODY
from facea_core.training import TrainConfig
from facea_core.training.draws import Rows, draw_step
from facea_core.training.tasks import task_names, task_prompts

EMPTY, GLOBAL = 0, 1  # numbers of the first two tasks


def make_rows(photos: int = 3, variants: int = 4, counts: tuple[int, ...] = (2, 1, 3)) -> Rows:
    """Each crop lists its face, then its parts; tasks follow that order."""
    width = 1 + max(counts)
    first = torch.arange(photos * variants).view(photos, variants) * width
    parts = first[..., None] + 1 + torch.arange(max(counts))
    tasks = (GLOBAL + torch.arange(width)).repeat(photos * variants)
    asked = torch.full((photos,), GLOBAL)
    return Rows(asked, first, parts, torch.tensor(counts), tasks)


def draws(config: TrainConfig, count: int = 50, rows: Rows | None = None, seed: int = 0) -> list:
    random = torch.Generator().manual_seed(seed)
    return [draw_step(rows or make_rows(), config, (4, 2, 2), random) for _ in range(count)]


def joined(config: TrainConfig, name: str, count: int = 50) -> Tensor:
    return torch.cat([getattr(draw, name) for draw in draws(config, count)])


def test_the_seed_decides_every_draw():
    config = TrainConfig(attributes="female")
    for a, b in zip(draws(config, seed=3), draws(config, seed=3), strict=True):
        assert all(torch.equal(getattr(a, k), getattr(b, k)) for k in vars(a))
    assert not torch.equal(draws(config, seed=3)[0].noise, draws(config, seed=4)[0].noise)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_the_local_ratio_is_kept(ratio: float):
    tasks = joined(TrainConfig(attributes="female", local_ratio=ratio, batch=8), "tasks", 200)
    assert abs(float((tasks > GLOBAL).float().mean()) - ratio) < 0.05


def test_extra_local_items_come_last_and_leave_the_batch_alone():
    config = TrainConfig(attributes="female", local_ratio=0.0, batch=3, local_extra=2)
    for draw in draws(config):
        assert (draw.tasks[:3] == GLOBAL).all()
        assert (draw.tasks[3:] > GLOBAL).all()


def test_what_the_model_keeps_comes_last_asked_by_ordinary_words_or_none():
    whole = TrainConfig(attributes="female", local_ratio=0.0, batch=3, prior_extra=2)
    for draw in draws(whole, 200):
        assert (draw.tasks[:3] == GLOBAL).all()
        assert set(draw.prompts[:3].tolist()) <= {EMPTY, GLOBAL}
    config = replace(whole, local_ratio=0.4)
    names = list(task_prompts(config, SOMEBODY))
    kept = {EMPTY, *(number for number, name in enumerate(names) if name.startswith("prior"))}
    seen = set()
    for draw in draws(config, 200):
        assert not set(draw.prompts[:3].tolist()) & kept - {EMPTY}
        assert (draw.tasks[3:] == task_names(config).index("prior")).all()
        seen |= set(draw.prompts[3:].tolist())
    assert seen <= kept
    # Of make_rows' parts three of four are in a photo.
    assert len(seen) == len(kept) - 1


def test_each_photos_face_is_asked_for_as_its_own_prompt_says():
    rows = replace(make_rows(), asked=torch.tensor([GLOBAL, 7, 8]))
    for draw in draws(TrainConfig(attributes="female", prompt_drop=0.0), rows=rows):
        for row, prompt, task in zip(draw.rows, draw.prompts, draw.tasks, strict=True):
            (photo,) = torch.where((rows.face == row).any(dim=1))[0].tolist() or (None,)
            assert prompt == (task if photo is None else rows.asked[photo])


def test_prompts_are_dropped_as_often_as_asked():
    config = TrainConfig(attributes="female", batch=8)
    for drop in (0.0, 0.1, 1.0):
        dropped = joined(replace(config, prompt_drop=drop), "prompts", 300) == EMPTY
        assert abs(float(dropped.float().mean()) - drop) < 0.02


def test_an_item_has_the_prompt_of_its_mask():
    rows = make_rows()
    for draw in draws(TrainConfig(attributes="female", prompt_drop=0.0), rows=rows):
        assert torch.equal(draw.tasks, rows.tasks[draw.rows])
        assert torch.equal(draw.prompts, draw.tasks)


def test_every_photo_crop_and_part_gets_its_turn_and_no_other():
    rows = make_rows()
    seen = set(joined(TrainConfig(attributes="female", batch=16), "rows", 200).tolist())
    listed = set(rows.face.flatten().tolist())
    for photo, count in enumerate(rows.counts.tolist()):
        listed |= set(rows.parts[photo, :, :count].flatten().tolist())
    assert seen == listed


def test_each_steps_timesteps_are_spread_and_all_in_range():
    config = TrainConfig(attributes="female", batch=5)
    for draw in draws(config):
        assert sorted((draw.timestep // 200).tolist()) == [0, 1, 2, 3, 4]
    every = joined(config, "timestep", 400)
    assert every.min() < 10
    assert every.max() > 990
    firsts = torch.stack([draw.timestep[0] for draw in draws(config, 400)]).float()
    assert abs(float(firsts.mean()) - 499.5) < 50
