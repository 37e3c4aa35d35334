"""What the nodes that train a person ask for in the same words: the model, and a preset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ...facea_core import training
from ...facea_core.training import PRESETS, TrainConfig
from ...facea_core.types import BackboneSpec

AUTO = "auto"


def model_to_train() -> list[Any]:
    """MODEL, CLIP and VAE."""
    return [
        io.Model.Input(
            "model", tooltip="The inpainting model to train on. It is copied, not changed."
        ),
        io.Clip.Input("clip", tooltip="The text encoder of that model."),
        io.Vae.Input("vae", tooltip="The VAE of that model."),
    ]


def preset_input() -> Any:
    return io.Combo.Input(
        "preset", options=[AUTO, *PRESETS], default=AUTO,
        tooltip="Base settings: paper (1000 steps), stylised (600), tiny for facea-tiny; "
        "selective: the person only when asked for (tiny-selective for facea-tiny). auto: paper "
        "or tiny, by the model.",
    )  # fmt: skip


def chosen_config(spec: BackboneSpec, preset: str, previews: int, **asked: Any) -> TrainConfig:
    """The preset with what is asked instead, and about so many previews.

    Raises ConfigError for settings that do not fit, and as `check_channels` does.
    """
    config = TrainConfig.from_preset(
        training.preset_for(spec.family, "" if preset == AUTO else preset), **asked
    )
    config = replace(config, preview_every=training.preview_every(config.steps, previews))
    training.check_channels(spec, config)
    return config
