"""A training that runs out of memory goes on more cheaply and loses no step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_pre_hook

from facea_core.backbone import Backbone
from facea_core.errors import TrainingError
from facea_core.identity import load_identity, save_identity
from facea_core.machine import is_out_of_memory
from facea_core.training.state import saved_step

from .training import assert_close, train


def out_of_memory() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@contextmanager
def failing(register: Callable, at: int) -> Iterator[list[None]]:
    """Memory runs out at the call number `at` of whatever `register` hooks, once."""
    calls: list[None] = []

    def hook(*_) -> None:
        calls.append(None)
        if len(calls) == at:
            out_of_memory()

    handle = register(hook)
    try:
        yield calls
    finally:
        handle.remove()


def in_forward(backbone: Backbone) -> Callable:
    return backbone.unet.mid_block.register_forward_pre_hook


def in_backward(backbone: Backbone) -> Callable:
    return backbone.unet.mid_block.register_full_backward_hook


def in_update(_: Backbone) -> Callable:
    return register_optimizer_step_pre_hook


@pytest.mark.parametrize(("where", "at"), [(in_forward, 1), (in_backward, 3), (in_update, 4)])
def test_a_run_that_runs_out_of_memory_goes_on_and_loses_no_step(
    backbone: Backbone, whole, tmp_path: Path, where: Callable, at: int
):
    with failing(where(backbone), at):
        identity, reports = train(backbone, run_dir=tmp_path / "run")
    # Every step is reported once: none is lost, none is done twice.
    assert [report.step for report in reports] == [1, 2, 3, 4]
    assert "out of memory" in reports[-1].plan
    assert "2 at once" in reports[-1].plan
    assert_close(identity, whole[0])
    proof = save_identity(identity, tmp_path / "person.safetensors")
    assert proof.endswith("2/2 words")
    assert load_identity(tmp_path / "person.safetensors").name == "person"
    assert saved_step(tmp_path / "run") == 4


@contextmanager
def small_autoencoder(backbone: Backbone, most: int) -> Iterator[list[int]]:
    """There is no memory to encode a picture of more than `most` pixels a side."""
    sides: list[int] = []

    def hook(_, inputs) -> None:
        sides.append(inputs[0].shape[-1])
        if sides[-1] > most:
            out_of_memory()

    handle = backbone.vae.encoder.register_forward_pre_hook(hook)
    try:
        yield sides
    finally:
        handle.remove()


def test_photos_that_do_not_fit_are_made_smaller_and_nothing_else_is_given_up(backbone: Backbone):
    """Neither fewer at once nor checkpointing helps an autoencoder that takes one at a time."""
    large = replace(backbone, spec=replace(backbone.spec, resolution=288))
    with small_autoencoder(large, 192) as sides:
        _, reports = train(large, steps=2)
    assert list(dict.fromkeys(sides)) == [288, 256, 192]
    assert sides.count(288) == sides.count(256) == 1
    assert reports[-1].plan.startswith("facea-tiny 192 px, 4 images; about")
    assert reports[-1].plan.count("out of memory with") == 2


def test_after_smaller_photos_a_step_gives_up_what_a_step_can(backbone: Backbone):
    large = replace(backbone, spec=replace(backbone.spec, resolution=192))
    with small_autoencoder(large, 128) as sides, failing(in_forward(large), 1):
        _, reports = train(large, steps=1)
    assert sides[0] == 192
    assert set(sides[1:]) == {128}
    assert reports[-1].plan.startswith("facea-tiny 128 px, 4 images, 2 at once; about")


@pytest.mark.parametrize("options", [{"resolution": 64}, {}])
def test_photos_that_fit_in_no_way_are_an_error_at_once(backbone: Backbone, options: dict):
    said = pytest.raises(TrainingError, match="memory ran out.*px")
    with small_autoencoder(backbone, 8) as sides, said:
        train(backbone, **options)
    assert len(sides) == 1


def test_without_a_run_directory_it_goes_on_as_well(backbone: Backbone, whole):
    with failing(in_forward(backbone), 3):
        identity, reports = train(backbone)
    assert [report.step for report in reports] == [1, 2, 3, 4]
    assert_close(identity, whole[0])


def test_what_was_learned_at_one_resolution_goes_on_at_a_lower_one(backbone: Backbone):
    sides = []
    note = backbone.unet.register_forward_pre_hook(lambda _, x: sides.append(x[0].shape[-1]))
    spec = replace(backbone.spec, resolution=128)
    large = replace(backbone, spec=spec)
    options = {"micro_batch": 4, "checkpointing": "off", "steps": 2}
    with failing(in_forward(backbone), 2):
        _, reports = train(large, **options)
    note.remove()
    assert [report.step for report in reports] == [1, 2]
    assert sides == [16, 16, 8]


def test_when_nothing_cheaper_is_left_it_says_so_and_keeps_the_state(
    backbone: Backbone, whole, tmp_path: Path
):
    def always(*_) -> None:
        if saved_step(tmp_path) == 2:
            out_of_memory()

    handle = backbone.unet.mid_block.register_forward_pre_hook(always)
    with pytest.raises(TrainingError, match=r"memory ran out.*CUDA out of memory.*lower"):
        train(backbone, run_dir=tmp_path)
    handle.remove()
    assert saved_step(tmp_path) == 2
    identity, _ = train(backbone, run_dir=tmp_path, resume=True)
    assert_close(identity, whole[0])


def test_a_resumed_run_goes_on_in_the_way_it_was_run(backbone: Backbone, tmp_path: Path):
    with failing(in_forward(backbone), 2):
        _, reports = train(backbone, steps=2, run_dir=tmp_path)
    _, again = train(backbone, steps=2, run_dir=tmp_path, resume=True)
    assert again == []
    assert "2 at once" in reports[-1].plan


def test_a_resumed_run_does_what_is_stated_by_then(backbone: Backbone, tmp_path: Path):
    def stop(*_) -> None:
        if saved_step(tmp_path) == 1:
            raise KeyboardInterrupt

    handle = backbone.unet.mid_block.register_forward_pre_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        train(backbone, run_dir=tmp_path)
    handle.remove()
    _, reports = train(backbone, run_dir=tmp_path, resume=True, micro_batch=1, checkpointing="on")
    assert [report.step for report in reports] == [2, 3, 4]
    assert "1 at once, checkpointing" in reports[-1].plan


def test_previews_are_given_up_before_the_run_is(backbone: Backbone):
    painted = []

    def previewer(words) -> Tensor:
        painted.append(None)
        out_of_memory()
        return torch.zeros(1)

    _, reports = train(backbone, previewer=previewer, preview_every=1)
    assert len(painted) == 1
    assert [report.previews for report in reports] == [None] * 4
    assert "no previews" in reports[-1].plan
    assert "at once" not in reports[-1].plan


def test_what_counts_as_out_of_memory():
    for error in (
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to"),
    ):
        assert is_out_of_memory(error)
    for error in (RuntimeError("shape mismatch"), KeyboardInterrupt(), ValueError("out of memory")):
        assert not is_out_of_memory(error)
