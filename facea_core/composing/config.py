"""The settings of composing: one source for the node's inputs, the CLI's flags and JSON files."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..attributes import NECK_LENGTH
from ..settings import check_settings, setting
from .solvers import SOLVERS

LEAST_DENOISE = 0.02


@dataclass(frozen=True)
class ComposeConfig:
    """How a person is painted into an image. Each field's metadata holds `help`, `min`, `max` and
    `choices`. Raises `ConfigError` for a value that is out of range.

    `grow` and `feather` are shares of the longer side of the face (of the mask, where there is no
    face), so that they mean the same for a small and a large face. `steps` are the last of
    `steps / denoise` that a whole painting would take, as in ComfyUI; how many are painted does not
    depend on `denoise`. Where that is more than the schedule's 1000 timesteps, they are fractions
    of timesteps.
    """

    steps: int = setting(20, "sampling steps per face", 1, 200)
    cfg: float | None = setting(
        None, "guidance scale: how closely to follow the prompt; none = the model's default", 1, 30
    )
    seed: int = setting(0, "seed of the noise, the same for every face", 0, 2**64 - 1)
    sampler: str = setting("ddim", "sampler", choices=tuple(SOLVERS))
    denoise: float = setting(
        1.0,
        "denoising strength: 1 repaints completely, lower values keep more of the original",
        LEAST_DENOISE,
        1,
    )
    strength: float = setting(1.0, "strength of the person's LoRA", -2, 2)
    negative: str = setting("", "negative prompt: what the image should not show")
    context_factor: float = setting(
        1.5, "side of the crop that the model sees, in sides of the mask", 1, 8
    )
    grow: float = setting(0.1, "how far the mask extends beyond the face, in face sizes", 0, 1)
    feather: float = setting(
        0.08,
        "width of the blend around the repainted area; 0 = nothing changes beyond the mask",
        0,
        0.5,
    )
    neck: float = setting(
        NECK_LENGTH,
        "how far the mask extends down the neck, in face heights, for an even skin tone", 0, 1,
    )  # fmt: skip
    hair: bool = setting(True, "also repaint the hair, where it was detected")
    colour_match: float = setting(
        1.0, "how strongly colours are matched to the image around the mask", 0, 1
    )
    candidates: int = setting(1, "number of candidates per face; the best one is kept", 1, 64)
    hair_room: float = setting(
        0.0, "extra space beside the face for longer or fuller hair, in face widths",
        0, 1,
    )  # fmt: skip
    second_pass: float = setting(
        0.0, "denoising strength of a second pass over each painted face and its seam, in half the "
        "steps; 0 = none", 0, 0.5,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def second_steps(self) -> int:
        """Steps of the second pass; 0 = there is none."""
        return math.ceil(self.steps / 2) if self.second_pass else 0

    @property
    def steps_of_face(self) -> int:
        """Steps of all paintings of a face."""
        return self.candidates * self.steps + self.second_steps

    @property
    def second(self) -> ComposeConfig:
        """How the second pass paints; as the first where there is none."""
        if not self.second_pass:
            return self
        return replace(self, steps=self.second_steps, denoise=max(self.second_pass, LEAST_DENOISE))


@dataclass(frozen=True)
class EditConfig:
    """How one attribute of a person is changed. Raises `ConfigError` for a value out of range."""

    amount: float = setting(
        1.0, "how much of the change is laid out by the model without the person", 0, 1
    )
    handover: int = setting(
        150, "the timestep, of 1000, from which on the person's LoRA paints alone; lower = more of "
        "the change and less of the person", 0, 1000,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_settings(self)


PREVIEW = ComposeConfig(steps=5, sampler="unipc")
"""For images that show how a training goes: facea-tiny's are as like the person as those of 20
steps of ddim (likeness 0.77 and 0.75, twelve seeds), in half the time. UniPC: 2302.04867."""
