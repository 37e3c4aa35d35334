"""`facea train`: learn a person from a few photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

from ..audit.config import AuditConfig
from ..backbone.spec import MOST_LAYERS
from ..detection.config import DetectConfig
from ..identity.names import check_class_noun, person_name
from ..training.config import PRESETS, RETIRED, TrainConfig, preset_for
from .audit import LIMITS
from .common import (
    DetectorFlags,
    config_flag,
    device_flag,
    own_masks_flag,
    prediction_flag,
    vae_flag,
)
from .flags import flag, parse


@dataclass(frozen=True)
class Train(DetectorFlags):
    """Learn a person from a few photos and write the identity file."""

    name: str = flag(
        MISSING, "what the person is called in prompts: a-z, 0-9, - and _, at most 64", "NAME"
    )
    class_noun: str = flag(MISSING, "what the person is: man, woman, ...", "NOUN", name="class")
    base: str | Path = flag(
        MISSING,
        "the inpainting model to learn on: a .safetensors checkpoint, a diffusers folder, or tiny",
        "CKPT|DIR|tiny",
    )
    photos: tuple[Path, ...] = flag(
        (), "photos of one person, or a folder of them; three are enough", "PHOTOS", positional=True
    )
    preset: str | None = flag(
        None,
        "named settings that the other flags change; none = tiny for facea-tiny, else paper",
        "|".join(PRESETS),
    )
    prediction: str | None = prediction_flag()
    vae: Path | None = vae_flag()
    clip_skip: int = flag(
        0,
        "the layer of the text encoder to read, counted from the end; 0 = as the family was made",
        min=0,
        max=MOST_LAYERS,
    )
    out: Path | None = flag(None, "the identity file; none = NAME.safetensors", "FILE")
    run: Path | None = flag(
        None, "save the state of the run there, so that it can be stopped and continued", "DIR"
    )
    resume: bool = flag(False, "go on with the run in --run DIR")
    own_masks: Path | None = own_masks_flag()
    device: str = device_flag()
    json: Path | None = flag(None, "write figures of the training there; - is stdout", "FILE")
    config: Path | None = config_flag()

    def __post_init__(self) -> None:
        super().__post_init__()
        person_name(self.name)
        check_class_noun(self.class_noun)


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea train",
        Train,
        arguments,
        without={*LIMITS, "faces"} - {"resolution"},  # the training's, which comes first
        retired=RETIRED,
        defaults=preset_of,
        training=TrainConfig(),
        detection=DetectConfig(),
        audit=AuditConfig(),
    )
    from .work.train import train

    train(flags, configs["training"], configs["detection"], configs["audit"], arguments)


def preset_of(said: Mapping[str, Any]) -> dict[str, TrainConfig]:
    """The settings to begin with: those of `--preset`, else those for the family of `--base`."""
    preset, base = said.get("preset"), said.get("base")
    if preset is None and base not in (None, "tiny"):
        from ..backbone import family_of

        preset = preset_for(family_of(base, said.get("vae")))
    return {"training": TrainConfig.from_preset(preset or ("tiny" if base else "paper"))}
