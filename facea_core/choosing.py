"""Choosing by likeness: the best step of a training, the best of several painted faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from .backbone import Backbone
from .composing import ComposeConfig, inpaint
from .evaluation import Embedder, likeness, load_embedder
from .training import Judge, TrainConfig, face_judge
from .types import Photo

LOOK_STEPS = 10
"""Sampling steps of a look: enough to know somebody."""


def embedder_for(family: str) -> Embedder:
    """What tells the people of a model family apart: painted ones, or photographed ones.

    Raises MissingDependencyError where the packages for photographs are not installed.
    """
    return load_embedder("tiny" if family == "facea-tiny" else "landmarks")


def step_judge(
    photos: Sequence[Photo],
    backbone: Backbone,
    config: TrainConfig,
    *,
    name: str = "person",
    class_noun: str = "person",
    on_step: Callable[[int, int], None] | None = None,
) -> Judge | None:
    """The judge that `config.choose_every` asks for, None if it asks for none; see `face_judge`.

    Raises MissingDependencyError as `embedder_for`.
    """
    if not config.choose_every:
        return None
    return face_judge(
        inpaint,
        ComposeConfig(steps=LOOK_STEPS),
        photos,
        backbone,
        config,
        partial(likeness, embedder_for(backbone.spec.family)),
        name=name,
        class_noun=class_noun,
        on_step=on_step,
    )
