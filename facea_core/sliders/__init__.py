"""Sliders: a LoRA that adds an attribute at +1 and takes it away at -1, learned from prompts."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .config import SliderConfig, SliderOrigin
    from .file import find_slider, read_lora, save_slider, slider_layers, slider_path
    from .train import Slider, slider_origin, train_slider

__getattr__ = door(
    __name__,
    {
        "config": ("SliderConfig", "SliderOrigin"),
        "file": ("find_slider", "read_lora", "save_slider", "slider_layers", "slider_path"),
        "train": ("Slider", "slider_origin", "train_slider"),
    },
)

__all__ = [
    "Slider",
    "SliderConfig",
    "SliderOrigin",
    "find_slider",
    "read_lora",
    "save_slider",
    "slider_layers",
    "slider_origin",
    "slider_path",
    "train_slider",
]
