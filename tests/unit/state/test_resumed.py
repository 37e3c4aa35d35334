"""A run stopped anywhere and resumed gives the same bytes."""

import json
import signal
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch.optim.optimizer import register_optimizer_step_post_hook

from facea_core.backbone import Backbone
from facea_core.errors import TrainingError
from facea_core.identity.subject import Subject
from facea_core.training.state import STATE_FILE

from ..photos import make_photo
from .training import CONFIG, bytes_of, saved_step, train


@contextmanager
def signal_between_steps(backbone: Backbone, step: int):
    yield lambda report: signal.raise_signal(signal.SIGINT) if report.step == step else None


@contextmanager
def signal_while_predicting(backbone: Backbone, step: int):
    calls = []

    def count(*_):
        calls.append(None)
        if len(calls) == step + 1:
            signal.raise_signal(signal.SIGINT)

    handle = backbone.unet.mid_block.register_forward_hook(count)
    try:
        yield None
    finally:
        handle.remove()


@contextmanager
def signal_while_stepping(backbone: Backbone, step: int):
    """Right after the weights have moved, when nothing else knows of it yet."""
    calls = []

    def count(*_):
        calls.append(None)
        if len(calls) == step:
            signal.raise_signal(signal.SIGINT)

    handle = register_optimizer_step_post_hook(count)
    try:
        yield None
    finally:
        handle.remove()


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("interrupt", "step", "kept"),
    [
        (signal_between_steps, 1, 1),
        (signal_while_predicting, 3, 3),
        (signal_while_stepping, 4, 2),
    ],
)
def test_a_run_stopped_by_a_signal_and_resumed_gives_the_same_bytes(
    backbone: Backbone, tmp_path: Path, uninterrupted: bytes,
    interrupt: Callable, step: int, kept: int,
):  # fmt: skip
    run_dir = tmp_path / "run"
    with interrupt(backbone, step) as on_step, pytest.raises(KeyboardInterrupt):
        train(backbone, run_dir, on_step=on_step)
    assert saved_step(run_dir) == kept
    assert [p.name for p in run_dir.iterdir()] == [STATE_FILE]
    torch.manual_seed(99)
    steps = []
    identity = train(
        backbone, run_dir, resume=True, on_step=lambda report: steps.append(report.step)
    )
    # A step that nobody was told of is told first.
    assert steps == list(range(kept if on_step is None else kept + 1, 6))
    assert bytes_of(identity, tmp_path / "a.safetensors") == uninterrupted
    assert saved_step(run_dir) == 5


def test_a_finished_run_resumes_to_the_same_identity_and_a_changed_one_not_at_all(
    backbone: Backbone, tmp_path: Path, uninterrupted: bytes
):
    run_dir = tmp_path / "run"
    train(backbone, run_dir)
    again = train(backbone, run_dir, resume=True, report_every=3)
    data = bytes_of(
        replace(again, meta=replace(again.meta, config=CONFIG.to_dict())), tmp_path / "a"
    )
    assert data == uninterrupted

    state = run_dir / STATE_FILE
    kept = state.read_bytes()
    # As earlier versions write it, so that their unfinished runs go on.
    with safe_open(state, framework="pt") as file:
        said = json.loads(file.metadata()["facea.state"])["run"]["config"]
    assert {"words_rate", "lora_rate"} <= said.keys()
    for changes, named in (
        ({"batch": 2, "lora_lr": 1e-3}, "lora_lr: 0.00012 -> 0.001"),
        ({"batch": 2, "lora_lr": 1e-3}, "batch: 1 -> 2"),
        ({"photos": [make_photo(1)]}, "photos: "),
        ({"subject": Subject("bob")}, "name: 'person' -> 'bob'"),
        ({"subject": Subject("person", "man")}, "class_noun: 'person' -> 'man'"),
    ):
        with pytest.raises(TrainingError, match=named):
            train(backbone, run_dir, resume=True, **changes)
    with torch.no_grad():
        backbone.unet.conv_out.weight += 1
    with pytest.raises(TrainingError, match="backbone: "):
        train(backbone, run_dir, resume=True)
    assert state.read_bytes() == kept

    for damage, named in ((kept[:-1], "damaged"), (b"", "damaged"), (b"\x80\x04K\x01.", "damaged")):
        state.write_bytes(damage)
        with pytest.raises(TrainingError, match=named):
            train(backbone, run_dir, resume=True)
