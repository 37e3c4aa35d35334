"""What is compared: the method, the method less one of its parts, and others on the same model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from facea_core.errors import ConfigError, quoted
from facea_core.settings import under_new_names, updated
from facea_core.training import TrainConfig
from facea_core.training.earlier import RENAMED

REFERENCE = "facea"
"""Every other arm is compared with this one: the preset as it is."""


@dataclass(frozen=True)
class Arm:
    """A way to get a person into a picture.

    `kind` is "train" (a training with `changes` to the preset, and some of its numbers `times`
    something), "caption" (the untrained model and the best words there are) or "paste" (the head of
    a photo, cut out). `painting` changes how pictures are composed. `captioned` trains with what
    each photo shows beside the person, by what is "true" of it or what is "seen" in it.
    """

    name: str
    about: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "train"
    times: Mapping[str, float] = field(default_factory=dict)
    painting: Mapping[str, Any] = field(default_factory=dict)
    captioned: str = ""

    def training(self, preset: TrainConfig) -> TrainConfig:
        """The preset with what this arm changes."""
        scaled = {name: getattr(preset, name) * by for name, by in self.times.items()}
        whole = {name: max(round(value), 1) for name, value in scaled.items()
                 if isinstance(getattr(preset, name), int)}  # fmt: skip
        return replace(preset, **{**scaled, **whole, **self.changes})


def _arms(*arms: Arm) -> dict[str, Arm]:
    return {arm.name: arm for arm in arms}


RIVALS = _arms(
    Arm("caption", "no training: the best words for the person", kind="caption"),
    Arm("paste", "no model: the head of a photo, pasted", kind="paste"),
    Arm(
        "dreambooth-lora", "LoRA and one rare word, not learned (DreamBooth)",
        {"attributes": "face", "embedding_lr": 0.0, "local_ratio": 0.0,
         "global_prompt": "a photo of sks {class} with {words}"},
    ),
    Arm(
        "textual-inversion", "one learned word, no LoRA",
        {"attributes": "face", "lora_lr": 0.0, "local_ratio": 0.0,
         "global_prompt": "a photo of a {class} with {words}"},
    ),
)  # fmt: skip

PAPER = _arms(
    Arm("lora-only", "LoRA, the words stay ordinary ones", {"embedding_lr": 0.0}),
    Arm("words-only", "words, no LoRA", {"lora_lr": 0.0}),
    Arm("no-local", "words and LoRA, whole faces only", {"local_ratio": 0.0}),
    Arm("local", "words and LoRA, half of the items local", {"local_ratio": 0.5}),
    Arm(
        "local-extra", "words and LoRA, as many local items beside the others",
        {"local_ratio": 0.0, "local_extra": 6},
    ),
)  # fmt: skip

OURS = _arms(
    Arm("attention", "LoRA on attention only", {"targets": "attention"}),
    Arm("wide", "LoRA on convolutions and feed-forward too", {"targets": "wide"}),
    Arm("one-word", "one word for the whole face", {"attributes": "face"}),
    Arm("three-words", "eyes, nose, mouth", {"attributes": "male"}),
    Arm("four-words", "eyes, nose, mouth, hair", {"attributes": "female"}),
    Arm("local-25", "a quarter of the items local", {"local_ratio": 0.25}),
    Arm("rank-quarter", "a quarter of the rank", times={"rank": 0.25}),
    Arm("rank-triple", "three times the rank", times={"rank": 3}),
    Arm("rates-half", "half of both rates", times={"embedding_lr": 0.5, "lora_lr": 0.5}),
    Arm("rates-double", "twice both rates", times={"embedding_lr": 2, "lora_lr": 2}),
    Arm("steps-quarter", "a quarter of the steps", times={"steps": 0.25}),
    Arm("steps-half", "half of the steps", times={"steps": 0.5}),
    Arm("steps-double", "twice the steps", times={"steps": 2}),
    Arm("steps-five", "five times the steps", times={"steps": 5}),
    Arm("batch-half", "half of the batch", times={"batch": 0.5}),
    Arm("batch-double", "twice the batch", times={"batch": 2}),
    Arm("unmasked-loss", "the loss counts everywhere", {"background_weight": 1.0}),
    Arm("no-drop", "the prompt is never dropped", {"prompt_drop": 0.0}),
    Arm("drop-30", "the prompt is dropped in 30 %", {"prompt_drop": 0.3}),
    Arm("crops-quarter", "a quarter of the crops of each photo", times={"variants": 0.25}),
    Arm("crops-four", "four times the crops of each photo", times={"variants": 4}),
    Arm("captions", "each photo's expression is named in its prompt", captioned="true"),
    Arm("captions-seen", "the same, as far as it is seen in the photo", captioned="seen"),
    Arm("best-of-four", "the best of four candidates is kept", painting={"candidates": 4}),
    Arm("boxes", "masks over faces are boxes", {"outline_share": 0.0}),
    Arm("outlines", "masks over faces are outlines", {"outline_share": 1.0}),
)

ARMS: Mapping[str, Arm] = {REFERENCE: Arm(REFERENCE, "the preset"), **RIVALS, **PAPER, **OURS}
GROUPS: Mapping[str, Sequence[str]] = {
    "main": (REFERENCE, *RIVALS, *PAPER),
    "rivals": (REFERENCE, *RIVALS),
    "paper": (REFERENCE, *PAPER),
    "all": tuple(ARMS),
}


def arms(names: str) -> tuple[Arm, ...]:
    """The arms of a group or of names with commas, the reference always first. ConfigError."""
    wanted: list[str] = [REFERENCE]
    for name in (part.strip() for part in names.split(",") if part.strip()):
        wanted += GROUPS.get(name, (name,))
    return tuple(arm_named(name) for name in dict.fromkeys(wanted))


def arm_named(name: str) -> Arm:
    """One of ARMS, or the preset with settings of your own: `steps=100+lora_lr=0.002`.

    Raises ConfigError for a name or setting that there is not.
    """
    if name in ARMS:
        return ARMS[name]
    if "=" in name:
        changes = {}
        for pair in name.split("+"):
            key, _, value = pair.partition("=")
            try:
                changes[key] = json.loads(value)
            except ValueError:
                changes[key] = value
        changes = under_new_names(changes, RENAMED)
        updated(TrainConfig(), changes)  # raises for what is none
        return Arm(name, "the preset with these settings", changes)
    near = get_close_matches(name, [*GROUPS, *ARMS], n=1, cutoff=0.0)[0]
    raise ConfigError(
        f"there is no arm {quoted(name)}; did you mean {near!r}? groups: {', '.join(GROUPS)}; "
        f"arms: {', '.join(ARMS)}; or settings such as steps=100+lora_lr=0.002"
    )
