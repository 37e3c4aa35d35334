"""Turns the numbers of people and scenes into measures and colours in head units.

A head unit is half an image's side at scale 1; the origin lies between the eyes' height and the
ears, x runs right and y down. Every tensor is (N,1,1,1), a colour (N,3,1,1) in [0,1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .parameters import (
    BEARDS,
    EARS_HIDDEN,
    GLASSES,
    HAIR_STYLES,
    circumstance,
    labels,
    number,
)

_SKIN = (
    (0.99, 0.87, 0.79), (0.97, 0.79, 0.67), (0.91, 0.68, 0.51),
    (0.77, 0.53, 0.37), (0.56, 0.36, 0.24), (0.38, 0.24, 0.17),
)  # fmt: skip
_HAIR = (
    (0.10, 0.09, 0.11), (0.36, 0.20, 0.10), (0.91, 0.73, 0.36),
    (0.76, 0.28, 0.08), (0.54, 0.55, 0.58), (0.90, 0.89, 0.87),
)  # fmt: skip
_IRIS = (
    (0.38, 0.20, 0.08), (0.16, 0.47, 0.90), (0.20, 0.60, 0.28),
    (0.50, 0.57, 0.64), (0.80, 0.52, 0.12),
)  # fmt: skip
# The weight says how much of the lip's own colour covers the skin.
_LIPS = ((0.80, 0.55, 0.50), (0.90, 0.42, 0.52), (0.78, 0.10, 0.16), (0.50, 0.24, 0.20))
_LIP_WEIGHT = (0.5, 0.75, 0.9, 0.75)
_FRAMES = ((0.10, 0.10, 0.13), (0.45, 0.22, 0.10), (0.70, 0.12, 0.16), (0.10, 0.25, 0.55))

# Per hair style: how far the cap stands off the head at the sides and on top, where the cap's
# sides end, the face opening's half-width over the head's, its hairline's shift, squareness,
# slant and peak; how far the hair behind stands off, its top, its end; curls' and waves' size;
# the bun's radius.
_STYLE_COLUMNS = (
    "out", "up", "end", "opening", "shift", "square", "slant", "peak",
    "back_out", "back_up", "back_end", "curl", "wave", "bun",
)  # fmt: skip
_STYLES: dict[str, tuple[float, ...]] = {
    "bald": (0, 0, -2, 1, 0, 0, 0, 0, -0.2, -0.2, 0, 0, 0, 0),
    "buzzed": (0.015, 0.02, 0.02, 0.93, -0.02, 0.80, 0, 0, -0.2, -0.2, 0, 0, 0, 0),
    "short": (0.035, 0.08, 0.06, 0.91, 0.0, 0.6, 0.24, 0, -0.2, -0.2, 0, 0, 0, 0),
    "curly": (0.04, 0.08, 0.14, 0.90, 0.02, 0.5, 0, 0, -0.2, -0.2, 0, 0.13, 0, 0),
    "afro": (0.14, 0.19, 0.16, 0.88, -0.02, 0.3, 0, 0, 0.14, 0.19, 0.36, 0.175, 0, 0),
    "straight": (0.06, 0.07, 0.80, 0.90, -0.03, 0.15, 0, 0.24, 0.10, 0.07, 1.25, 0, 0, 0),
    "wavy": (0.08, 0.09, 0.74, 0.86, -0.02, 0.3, 0.22, 0, 0.17, 0.09, 0.95, 0, 0.035, 0),
    "bob": (0.09, 0.08, 0.50, 0.86, 0.10, 0.93, 0, 0, 0.11, 0.06, 0.52, 0, 0, 0),
    "bun": (0.008, 0.04, 0.02, 0.92, -0.02, 0.15, 0, 0.12, -0.2, -0.2, 0, 0, 0, 0.17),
}


@dataclass(frozen=True)
class Look:
    """Measures and colours by name: `look["eye_x"]`."""

    values: dict[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.values[name]


def _mix(low: float, high: float, t: Tensor) -> Tensor:
    return low + (high - low) * t


def _table(rows: tuple[tuple[float, ...], ...], index: Tensor) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32, device=index.device)[index][:, :, None, None]


def _along(rows: tuple[tuple[float, ...], ...], t: Tensor) -> Tensor:
    """Colours (N,3,1,1) at t (N,) in [0,1] along a palette."""
    place = t * (len(rows) - 1)
    first = place.floor().clamp(0, len(rows) - 2)
    low = _table(rows, first.long())
    high = _table(rows, first.long() + 1)
    return low + (high - low) * (place - first)[:, None, None, None]


def _one_hot(index: Tensor, names: tuple[str, ...], wanted: tuple[str, ...]) -> Tensor:
    rows = tuple((1.0 if name in wanted else 0.0,) for name in names)
    return _table(rows, index)


def look_of(people: Tensor, scenes: Tensor) -> Look:
    """The look of people (N, IDENTITY_SIZE) in scenes (N, SCENE_SIZE)."""
    classes = labels(people)

    def who(name: str) -> Tensor:
        return number(people, name).view(-1, 1, 1, 1)

    def how(name: str) -> Tensor:
        return circumstance(scenes, name).view(-1, 1, 1, 1)

    v: dict[str, Tensor] = {}
    woman = (who("gender") >= 0.5).float()
    v["woman"] = woman

    # Pose. The angle stays small, so three terms of the series are exact enough.
    angle = _mix(-0.14, 0.14, how("roll"))
    v["sin"] = angle - angle * angle * angle / 6.0
    v["cos"] = 1.0 - angle * angle / 2.0
    v["scale"] = _mix(0.97, 1.13, how("scale"))
    v["x"] = _mix(-0.10, 0.10, how("x"))
    v["y"] = _mix(-0.04, 0.08, how("y"))
    v["yaw"] = _mix(-0.045, 0.045, how("yaw"))

    # Head.
    width = _mix(0.385, 0.475, who("head_width")) - 0.012 * woman
    v["width"] = width
    v["top"] = 0.53 + 0.03 * who("head_length")
    v["chin"] = _mix(0.50, 0.65, who("head_length"))
    v["taper"] = _mix(0.42, 0.02, who("jaw"))
    v["square"] = _mix(0.0, 0.72, who("chin"))
    v["ear"] = _mix(0.075, 0.145, who("ears"))

    # Eyes and brows.
    eye = width * _mix(0.235, 0.33, who("eye_size"))
    v["eye_w"] = eye
    v["eye_h"] = eye * _mix(0.46, 0.90, who("eye_roundness"))
    v["eye_open"] = _mix(0.70, 1.08, how("eye_openness"))
    v["eye_fill"] = _mix(0.0, 0.75, who("eye_roundness"))
    v["eye_x"] = eye + width * _mix(0.07, 0.20, who("eye_spacing"))
    v["eye_y"] = _mix(-0.04, 0.07, who("eye_height"))
    v["eye_tilt"] = _mix(0.16, -0.26, who("eye_tilt"))
    v["iris"] = eye * _mix(0.44, 0.56, who("eye_roundness"))
    v["gaze_x"] = _mix(-0.28, 0.28, how("gaze_x")) * eye
    v["gaze_y"] = _mix(-0.16, 0.16, how("gaze_y")) * eye
    v["brow_thick"] = _mix(0.016, 0.050, who("brow_thickness")) - 0.004 * woman
    v["brow_angle"] = _mix(0.30, -0.34, who("brow_angle"))
    v["brow_arch"] = _mix(0.0, 0.075, who("brow_arch"))
    v["brow_w"] = width * 0.30 + 0.25 * (eye - width * 0.28)
    v["brow_y"] = (
        v["eye_y"] - v["eye_h"] - _mix(0.055, 0.125, who("brow_gap"))
        - _mix(-0.012, 0.028, how("brow_raise"))
    )  # fmt: skip

    # Nose and mouth.
    room = v["chin"] - v["eye_y"]
    v["nose_y"] = v["eye_y"] + room * _mix(0.34, 0.52, who("nose_length"))
    v["nose_w"] = _mix(0.055, 0.125, who("nose_width"))
    v["nose_tip"] = who("nose_tip")
    below = v["chin"] - v["nose_y"]
    v["mouth_y"] = v["nose_y"] + below * _mix(0.38, 0.52, who("mouth_height"))
    v["smile"] = _mix(-0.022, 0.085, how("smile"))
    v["mouth_w"] = width * _mix(0.27, 0.50, who("mouth_width")) * _mix(0.95, 1.08, how("smile"))
    v["gap"] = ((how("mouth_open") - 0.45) / 0.55).clamp(min=0.0) * 0.105
    v["lip_up"] = _mix(0.018, 0.058, who("upper_lip"))
    v["lip_low"] = _mix(0.024, 0.075, who("lower_lip"))

    # Colours.
    tint = torch.tensor([0.022, -0.004, -0.030], device=people.device).view(1, 3, 1, 1)
    skin = _along(_SKIN, number(people, "skin")) + tint * (2.0 * who("undertone") - 1.0)
    v["skin"] = skin.clamp(0.0, 1.0)
    v["hair"] = (_table(_HAIR, classes["hair_colour"]) * _mix(0.84, 1.12, who("hair_shade"))).clamp(
        0.0, 1.0
    )
    v["iris_colour"] = _table(_IRIS, classes["eye_colour"])
    weight = _table(tuple((w,) for w in _LIP_WEIGHT), classes["lip_colour"])
    v["lips"] = v["skin"] * 0.92 * (1.0 - weight) + _table(_LIPS, classes["lip_colour"]) * weight
    v["frame"] = _along(_FRAMES, number(people, "glasses_colour"))
    v["cheek"] = 0.25 + 0.35 * woman

    # Choices.
    v["round"] = _one_hot(classes["glasses"], GLASSES, ("round",))
    v["glasses"] = _one_hot(classes["glasses"], GLASSES, ("round", "square"))
    v["lens"] = _mix(0.150, 0.185, who("glasses_size"))
    v["freckles"] = (classes["freckles"] == 1).float().view(-1, 1, 1, 1)
    v["moustache"] = _one_hot(classes["beard"], BEARDS, ("moustache", "goatee", "full"))
    v["goatee"] = _one_hot(classes["beard"], BEARDS, ("goatee",))
    v["beard"] = _one_hot(classes["beard"], BEARDS, ("full",))
    v["stubble"] = _one_hot(classes["beard"], BEARDS, ("stubble",))
    styles = _table(tuple(_STYLES[name] for name in HAIR_STYLES), classes["hair_style"])
    for i, name in enumerate(_STYLE_COLUMNS):
        v["style_" + name] = styles[:, i : i + 1]
    v["haired"] = (classes["hair_style"] != 0).float().view(-1, 1, 1, 1)
    v["ears"] = 1.0 - _one_hot(classes["hair_style"], HAIR_STYLES, EARS_HIDDEN)
    v["hairline"] = _mix(-0.37, -0.27, who("hairline"))

    # Light and clothes.
    v["light_x"] = _mix(-1.0, 1.0, how("light_direction"))
    v["light"] = _mix(0.35, 1.0, how("light_strength"))
    v["warmth"] = _mix(-0.05, 0.06, how("warmth"))
    v["neckline"] = how("neckline")
    v["clothes_hue"] = how("clothes_hue")
    v["clothes_brightness"] = _mix(0.35, 0.88, how("clothes_brightness"))
    return Look(v)
