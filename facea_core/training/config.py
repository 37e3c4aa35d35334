"""What a training run can be told, with ranges: one source for nodes, CLI flags and JSON files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar

from ..attributes import Attribute, attribute_table
from ..errors import BackboneError, ConfigError, quoted
from ..identity.names import GLOBAL_PROMPT, LOCAL_PROMPT
from ..identity.targets import TARGETS
from ..settings import (
    check_settings,
    check_text,
    setting,
    under_new_names,
    updated,
    without_retired,
)
from .earlier import ADDED, IN_FILES, RENAMED, RETIRED

if TYPE_CHECKING:
    from ..types import BackboneSpec

LONGEST_TEMPLATE = 500

DECAYS = ("constant", "linear", "cosine")


@dataclass(frozen=True)
class TrainConfig:
    """Defaults are the paper's. Each field's metadata holds `help`, `min`, `max` and `choices`.

    Rates, rank, batch and steps follow FaceA-Net (AAAI 2025). Raises `ConfigError` for a value that
    is out of range or of another type.
    """

    GROUPS: ClassVar[Mapping[str, str]] = {
        "attributes": "what is learned",
        "embedding_lr": "optimiser",
        "prompt_drop": "tasks",
        "variants": "crops",
        "micro_batch": "memory",
        "report_every": "reports",
    }
    """The field that each group begins with, and what the group is called."""

    attributes: str = setting(
        "male", "attributes that get a learned word: a preset, or names with commas"
    )
    steps: int = setting(1000, "optimiser steps", 1, 100_000)
    batch: int = setting(4, "images per step", 1, 64)
    seed: int = setting(0, "random seed of the training", 0, 2**64 - 1)
    rank: int = setting(48, "LoRA rank; alpha is the same", 1, 512)
    targets: str = setting(
        "attention", "layers that get a LoRA; wide adds feed-forward and convolutions",
        choices=tuple(TARGETS),
    )  # fmt: skip
    embedding_lr: float = setting(2e-3, "learning rate of the word embeddings", 0.0, 1.0)
    lora_lr: float = setting(1.2e-4, "learning rate of the LoRA", 0.0, 1.0)
    warmup: int = setting(0, "warm-up steps, in which both learning rates rise from 0", 0, 100_000)
    decay: str = setting("constant", "learning-rate schedule after the warm-up", choices=DECAYS)
    weight_decay: float = setting(0.01, "AdamW weight decay, on the LoRA only", 0.0, 1.0)
    clip: float = setting(1.0, "maximum norm of the whole gradient; 0 = no clipping", 0.0, 1e6)
    prompt_drop: float = setting(0.1, "fraction of examples with the empty prompt", 0.0, 1.0)
    local_ratio: float = setting(0.5, "fraction of examples that inpaint one part", 0.0, 1.0)
    local_extra: int = setting(0, "additional local examples per step", 0, 64)
    prior_extra: int = setting(
        0, "additional examples per step that preserve the base model's own output", 0, 64
    )
    background_weight: float = setting(0.0, "loss weight outside the mask", 0.0, 1.0)
    global_prompt: str = setting(GLOBAL_PROMPT, "prompt of global tasks; must contain {words}")
    local_prompt: str = setting(LOCAL_PROMPT, "prompt of local tasks; must contain {words}")
    variants: int = setting(16, "random crops per photo, encoded before training", 1, 256)
    context: float = setting(1.5, "side of the crop, in longer sides of the mask", 1.0, 8.0)
    scale_jitter: float = setting(0.1, "random change of the crop's side, as a fraction", 0.0, 0.9)
    shift_jitter: float = setting(0.05, "random shift of the crop, in sides of the crop", 0.0, 0.5)
    flip: bool = setting(False, "mirror half of the crops; off because faces are not symmetric")
    face_grow: float = setting(1.2, "size of the face mask, in face boxes", 0.5, 4.0)
    outline_share: float = setting(
        0.5, "fraction of face masks outlined as in composing; the rest are boxes",
        0.0, 1.0,
    )  # fmt: skip
    part_grow: float = setting(1.3, "size of a part's mask, in part boxes", 0.5, 4.0)
    mask_jitter: float = setting(0.15, "random change of the mask's sides, as a fraction", 0.0, 0.9)
    resolution: int = setting(
        0, "training resolution in pixels; 0 = the model's native resolution", 0, 4096
    )
    masked_latent: bool = setting(
        False, "allow a model without mask channels; it cannot see the image around the face"
    )
    micro_batch: int = setting(
        0, "images at once, to save memory; 0 = as many as fit", 0, 64, affects_result=False
    )
    checkpointing: str = setting(
        "auto", "gradient checkpointing: saves memory, a third slower",
        choices=("auto", "on", "off"), affects_result=False,
    )  # fmt: skip
    capture: str = setting(
        "auto", "run the whole step as one CUDA graph; auto = where possible",
        choices=("auto", "off"), affects_result=False,
    )  # fmt: skip
    report_every: int = setting(25, "steps between reports", 1, 100_000, affects_result=False)
    save_every: int = setting(250, "steps between checkpoints", 1, 100_000, affects_result=False)
    preview_every: int = setting(
        0, "steps between preview images; 0 = none", 0, 100_000, affects_result=False
    )
    preview_share: float = setting(
        0.0, "maximum fraction of the run's time for previews after the first; 0 = 5 % on a GPU, "
        "10 % on a CPU, 1 = no limit", 0.0, 1.0, affects_result=False,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_settings(self)
        for spec in fields(self):
            if type(spec.default) is float:
                object.__setattr__(self, spec.name, float(getattr(self, spec.name)))
        for name in ("global_prompt", "local_prompt"):
            _check_template(name, getattr(self, name))

    def line(self) -> str:
        """What a preset is chosen for, in one line: steps, batch, rank, and both learning rates."""
        words = f"words {self.embedding_lr:g}" if self.embedding_lr else "words not learned"
        lora = f"LoRA {self.lora_lr:g}" if self.lora_lr else "LoRA not learned"
        return f"{self.steps} steps, batch {self.batch}, rank {self.rank}, {words}, {lora}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values as files have them, some under earlier names: see `RENAMED`."""
        return {IN_FILES.get(name, name): value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The inverse of `to_dict`; what is not named keeps its default. Raises `ConfigError`.

        Settings may have today's names or earlier ones.
        """
        return updated(cls(), under_new_names(without_retired(values, RETIRED), RENAMED))

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> TrainConfig:
        """A row of `PRESETS` with some fields replaced. Raises `ConfigError` for unknown names."""
        if name not in PRESETS:
            raise ConfigError(
                f"training preset {quoted(name)} is unknown; choose one of {_list(PRESETS)}"
            )
        overrides = under_new_names(without_retired(overrides, RETIRED), RENAMED)
        return updated(PRESETS[name], overrides)

    def crops(self, photos: int, steps: int | None = None) -> int:
        """How many crops of each of so many photos: no more than the run's examples can use."""
        steps = self.steps if steps is None else steps
        return min(self.variants, -(-steps * self.batch // photos))

    def same_steps(self, steps: Any, photos: int) -> bool:
        """Whether a run of so many `steps` takes the steps of this one, as far as both of them go.

        So it is unless the length of a run decides what a step does.
        """
        if self.decay != "constant":
            return False
        return type(steps) is int and self.crops(photos, steps) == self.crops(photos)

    @cached_property
    def table(self) -> tuple[Attribute, ...]:
        """The attributes that get a word. Raises `ConfigError` for an unknown one."""
        return attribute_table(self.attributes)

    @property
    def items(self) -> int:
        """How many images a step sees."""
        return self.batch + self.local_extra + self.prior_extra

    @property
    def has_local(self) -> bool:
        """Whether any item ever repaints one part only."""
        return self.local_ratio > 0 or self.local_extra > 0

    @property
    def hash(self) -> str:
        """16 hex digits over every field that changes what is learned."""
        kept = {**_counted(self), **RETIRED}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def config_differences(mine: TrainConfig, other: Mapping[str, Any]) -> list[str]:
    """Each field that changes the result and is not the same, as "name: other -> mine".

    `other` is what `to_dict` gave when it was saved.
    """
    other = {**RETIRED, **ADDED, **other}
    return [
        f"{RENAMED.get(name, name)}: {other.get(name)!r:.80} -> {value!r}"
        for name, value in {**ADDED, **_counted(mine), **RETIRED}.items()
        if other.get(name) != value
    ]


def _counted(config: TrainConfig) -> dict[str, Any]:
    """Every field that changes what is learned, as files have them."""
    counted = {spec.name for spec in fields(config) if spec.metadata["affects_result"]}
    counted -= {name for name, nothing in ADDED.items() if getattr(config, name) == nothing}
    return {
        name: value
        for name, value in config.to_dict().items()
        if RENAMED.get(name, name) in counted
    }


def check_channels(spec: BackboneSpec, config: TrainConfig) -> None:
    """Raise `BackboneError` for a model without mask channels, unless the config allows it."""
    if not spec.inpainting and not config.masked_latent:
        raise BackboneError(
            f"this {spec.family} model has no mask channels: it cannot see the picture around the "
            "face, and what it paints fits in worse. Load an inpainting checkpoint, or set "
            "masked_latent to learn on this one all the same"
        )


def _check_template(name: str, text: str) -> None:
    check_text(name, text, LONGEST_TEMPLATE)
    try:
        used = [field for field in Formatter().parse(text) if field[1] is not None]
    except ValueError as error:
        raise ConfigError(f"{name} {quoted(text)} is not a template: {error}") from error
    names = {key for _, key, _, _ in used}
    if "words" not in names or names - {"words", "class"}:
        raise ConfigError(
            f"{name} {quoted(text)} must hold {{words}}, may hold {{class}}, and no other "
            "placeholder"
        )
    # A width such as {words:>999999999} would be as many bytes.
    if any(spec or conversion for _, _, spec, conversion in used):
        raise ConfigError(
            f"{name} {quoted(text)} has a format; write {{words}} and {{class}} and nothing else "
            "between the braces"
        )


def _list(names: Any) -> str:
    return ", ".join(names)


# What facea-tiny needs: so small a net learns little at the paper's rates in 100 steps, and
# local tasks cost it likeness at equal batch. docs/benchmark.md has the table.
_TINY = TrainConfig(
    steps=100,
    batch=6,
    rank=16,
    targets="wide",
    embedding_lr=1e-2,
    lora_lr=2e-3,
    warmup=5,
    local_ratio=0.0,
    report_every=10,
    save_every=50,
    variants=8,
)

PRESETS: Mapping[str, TrainConfig] = {
    "paper": TrainConfig(),
    "stylised": TrainConfig(steps=600),
    "selective": TrainConfig(local_ratio=0.35, prior_extra=4, prompt_drop=0.0),
    "tiny": _TINY,
    "tiny-selective": replace(_TINY, steps=200, local_ratio=0.35, prior_extra=6, prompt_drop=0.0),
}
"""Starting points: `paper` (1000 steps), `stylised` (600) and `tiny` (the embedded miniature).

With `selective` and `tiny-selective` the person, and each part, appears only where its words ask
for it: as many items as learn keep the base model's own output (prior preservation).
"""


def preset_for(family: str, preset: str = "") -> str:
    """The preset to begin with on this model family, or what `selective` is called there.

    Any other `preset` is meant as it is.
    """
    tiny = family == "facea-tiny"
    if preset == "selective" and tiny:
        return "tiny-selective"
    return preset or ("tiny" if tiny else "paper")


def preview_every(steps: int, count: int) -> int:
    """Steps between previews for about `count` of them in a run; 0 for none."""
    return max(steps // count, 1) if count else 0
