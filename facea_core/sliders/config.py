"""What a slider is told: its prompts and how it is trained; one source for node, CLI and JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import ConfigError
from ..settings import check_settings, setting, updated
from ..training.config import TrainConfig

LONGEST_PROMPT = 500


@dataclass(frozen=True)
class SliderConfig:
    """Defaults are those of Concept Sliders (2311.12092) for Stable Diffusion.

    Each field's metadata holds `help`, `min`, `max` and `choices`. Raises `ConfigError` for a value
    that is out of range or of another type, and for prompts that say the same.
    """

    positive: str = setting("a photo of a person, smiling", "prompt of what +1 shows")
    negative: str = setting("a photo of a person", "prompt of what -1 shows")
    neutral: str = setting("a photo of a person", "prompt of the pictures that the slider changes")
    steps: int = setting(1000, "optimiser steps", 1, 100_000)
    batch: int = setting(4, "noisy pictures per step, each for both directions", 1, 64)
    seed: int = setting(0, "every random number of the run comes from it", 0, 2**64 - 1)
    rank: int = setting(4, "LoRA rank", 1, 512)
    alpha: float = setting(1.0, "LoRA alpha: the change is multiplied by alpha / rank", 1e-3, 512.0)
    lora_lr: float = setting(2e-4, "learning rate of the LoRA", 1e-9, 1.0)
    guidance: float = setting(
        4.0, "how many times the difference of the prompts strength 1 adds", 0.1, 30.0
    )
    paintings: int = setting(
        16, "pictures that the model paints of the neutral prompt, to learn on", 2, 1024
    )
    levels: int = setting(20, "sampling steps of each, all of which are learned on", 2, 200)
    micro_batch: int = setting(
        0, "pictures at once, to save memory; 0 = as many as fit", 0, 64, affects_result=False
    )
    report_every: int = setting(25, "steps between reports", 1, 100_000, affects_result=False)
    save_every: int = setting(250, "steps between saved states", 1, 100_000, affects_result=False)

    def __post_init__(self) -> None:
        check_settings(self)
        for spec in fields(self):
            if type(spec.default) is float:
                object.__setattr__(self, spec.name, float(getattr(self, spec.name)))
            elif type(spec.default) is str:
                _check_prompt(spec.name, getattr(self, spec.name))
        if self.positive == self.negative:
            raise ConfigError(
                "the positive and the negative prompt say the same, so there is nothing between "
                "them to learn; name the attribute in one of them"
            )

    @classmethod
    def for_family(cls, family: str, **overrides: Any) -> SliderConfig:
        """The settings to begin with on this model family, some replaced. Raises `ConfigError`."""
        return updated(TINY if family == "facea-tiny" else cls(), overrides)

    @property
    def training(self) -> TrainConfig:
        """The same as the steps of a training see it: no words, no photos' tasks."""
        return TrainConfig(
            steps=self.steps, batch=self.batch, seed=self.seed, rank=self.rank, targets="wide",
            embedding_lr=0.0, lora_lr=self.lora_lr, weight_decay=0.0, prompt_drop=0.0,
            local_ratio=0.0, micro_batch=self.micro_batch, report_every=self.report_every,
            save_every=self.save_every,
        )  # fmt: skip

    def line(self) -> str:
        """What a user looks at first, in one line."""
        return (
            f"{self.steps} steps, batch {self.batch}, rank {self.rank}, LoRA {self.lora_lr:g}, "
            f"{self.paintings} paintings"
        )

    def to_dict(self) -> dict[str, Any]:
        """Every field that changes what is learned, as plain values."""
        counted = {spec.name for spec in fields(self) if spec.metadata["affects_result"]}
        return {name: value for name, value in asdict(self).items() if name in counted}


@dataclass(frozen=True)
class SliderOrigin:
    """What a run was started with; a state goes on only where all of it is the same.

    `backbone` and `photos` are hashes; "" where there were no photos.
    """

    config: SliderConfig
    backbone: str
    photos: str = ""

    @property
    def steps(self) -> int:
        return self.config.steps

    def to_dict(self) -> dict[str, Any]:
        return {"backbone": self.backbone, "photos": self.photos, "slider": self.config.to_dict()}

    @property
    def key(self) -> str:
        """16 hex digits over everything that the result depends on."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def differences(self, saved: Mapping[str, Any]) -> list[str]:
        """Each thing that is not the same, as "what: saved -> now"."""
        now, was = _flat(self.to_dict()), _flat(saved)
        return [
            f"{key}: {was.get(key)!r:.80} -> {value!r:.80}"
            for key, value in now.items()
            if was.get(key) != value
        ]


def _flat(about: Mapping[str, Any]) -> dict[str, Any]:
    settings = about.get("slider")
    return {**about, **(settings if isinstance(settings, dict) else {}), "slider": None}


def _check_prompt(name: str, text: str) -> None:
    if len(text) > LONGEST_PROMPT:
        raise ConfigError(
            f"the {name} prompt has {len(text)} characters; give at most {LONGEST_PROMPT}"
        )


TINY = SliderConfig(
    positive="a photo of a man with a full beard",
    negative="a photo of a man",
    neutral="a photo of a man",
    steps=80,
    lora_lr=2e-3,
    guidance=1.0,
    paintings=16,
    levels=10,
    report_every=10,
    save_every=40,
)
"""For the embedded miniature, which one word changes as much as it can: more guidance than 1
overshoots. docs/benchmark.md has what it does."""
