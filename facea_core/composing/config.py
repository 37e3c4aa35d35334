"""The settings of composing: one source for the node's inputs, the CLI's flags and JSON files."""

from __future__ import annotations

from dataclasses import dataclass

from ..attributes import NECK_LENGTH
from ..settings import check_settings, setting
from .solvers import SOLVERS


@dataclass(frozen=True)
class ComposeConfig:
    """How a person is painted into a picture. Each field's metadata holds `help`, `min`, `max` and
    `choices`. Raises `ConfigError` for a value that is out of range.

    `grow` and `feather` are shares of the longer side of the face (of the mask, where there is no
    face), so that they mean the same for a small and a large face. `steps` are the last of
    `steps / denoise` that a whole painting would take, as in ComfyUI; how many are painted does not
    depend on `denoise`. Where that is more than the schedule's 1000 timesteps, they are fractions
    of timesteps.
    """

    steps: int = setting(20, "sampling steps per face", 1, 200)
    cfg: float | None = setting(
        None, "how strictly the prompt is followed; none = as the model likes it", 1, 30
    )
    seed: int = setting(0, "seed of the noise, the same for every face", 0, 2**64 - 1)
    sampler: str = setting("ddim", "which sampler paints", choices=tuple(SOLVERS))
    denoise: float = setting(1.0, "1 paints anew, less keeps more of what is there", 0.02, 1)
    strength: float = setting(1.0, "strength of the person's LoRA", -2, 2)
    negative: str = setting("", "what the picture should not show")
    context_factor: float = setting(
        1.5, "side of the crop that the model sees, in sides of the mask", 1, 8
    )
    grow: float = setting(0.1, "how far the mask reaches beyond the face", 0, 1)
    feather: float = setting(
        0.08, "width of the blend around what is repainted; 0 = not beyond a mask's edge", 0, 0.5
    )
    neck: float = setting(
        NECK_LENGTH,
        "how far down the neck the mask reaches, in face heights, for one tone of skin", 0, 1,
    )  # fmt: skip
    hair: bool = setting(True, "repaint the hair too, where it was detected")
    colour_match: float = setting(
        1.0, "how far colours are matched to the picture around the mask", 0, 1
    )
    candidates: int = setting(
        1, "how many are painted of each face; the one that fits best is kept", 1, 64
    )
    hair_room: float = setting(
        0.0, "space beside the face for hair longer or fuller than the picture's, in face widths",
        0, 1,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_settings(self)


PREVIEW = ComposeConfig(steps=5, sampler="unipc")
"""For pictures that show how a training goes: facea-tiny's are as like the person as those of 20
steps of ddim (likeness 0.77 and 0.75, twelve seeds), in half the time. UniPC: 2302.04867."""
