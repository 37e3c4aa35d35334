"""Who is painted and under which circumstances: the numbers, their names and their meaning.

A person is IDENTITY_SIZE numbers in [0,1], a scene SCENE_SIZE numbers in [0,1]. Continuous
features are one number each; categorical ones are binned from one number (hair style and beard
depend on man or woman as well).
"""

from __future__ import annotations

import torch
from torch import Tensor

IDENTITY = (
    "gender", "skin", "undertone", "hair_style", "hair_colour", "hair_shade", "hairline",
    "head_width", "head_length", "jaw", "chin", "ears",
    "eye_size", "eye_roundness", "eye_tilt", "eye_spacing", "eye_height", "eye_colour",
    "brow_thickness", "brow_angle", "brow_arch", "brow_gap",
    "nose_length", "nose_width", "nose_tip",
    "mouth_width", "upper_lip", "lower_lip", "mouth_height", "lip_colour",
    "glasses", "glasses_size", "glasses_colour", "beard", "freckles",
)  # fmt: skip
SCENE = (
    "x", "y", "roll", "yaw", "scale", "smile", "mouth_open", "eye_openness", "gaze_x", "gaze_y",
    "brow_raise", "light_direction", "light_strength", "warmth",
    "backdrop", "hue", "second_hue", "brightness", "horizon", "layout", "busy",
    "clothes_hue", "clothes_brightness", "neckline",
)  # fmt: skip
POSE = (
    "x", "y", "roll", "yaw", "scale", "smile", "mouth_open", "eye_openness", "gaze_x", "gaze_y",
    "brow_raise",
)  # fmt: skip
"""What of a scene is the head's own; the rest is round it."""
IDENTITY_SIZE: int = len(IDENTITY)
SCENE_SIZE: int = len(SCENE)

GEOMETRY = (
    "head_width", "head_length", "jaw", "chin", "ears", "hairline",
    "eye_size", "eye_roundness", "eye_tilt", "eye_spacing", "eye_height",
    "brow_thickness", "brow_angle", "brow_arch", "brow_gap",
    "nose_length", "nose_width", "nose_tip",
    "mouth_width", "upper_lip", "lower_lip", "mouth_height",
)  # fmt: skip

HAIR_STYLES = (
    "bald", "buzzed", "short", "curly", "afro", "straight", "wavy", "bob", "bun",
)  # fmt: skip
EARS_HIDDEN = ("afro", "straight", "wavy", "bob")
HAIR_COLOURS = ("black", "brown", "blond", "red", "grey", "white")
EYE_COLOURS = ("brown", "blue", "green", "grey", "amber")
LIP_COLOURS = ("pale", "pink", "red", "brown")
GLASSES = ("none", "round", "square")
BEARDS = ("none", "stubble", "moustache", "goatee", "full")
SKINS = ("pale", "fair", "tan", "brown", "dark")
BACKDROPS = ("wall", "sea", "sunset", "meadow", "night")

SMILING, OPEN = 0.6, 0.75
"""From which `smile` and `mouth_open` of a scene on captions say so."""

# Shares of each class; hair style and beard as (man, woman).
_HAIR_SHARES = (
    (0.14, 0.16, 0.30, 0.14, 0.10, 0.06, 0.05, 0.0, 0.05),
    (0.02, 0.02, 0.05, 0.15, 0.10, 0.20, 0.16, 0.16, 0.14),
)
_BEARD_SHARES = ((0.40, 0.14, 0.14, 0.12, 0.20), (1.0, 0.0, 0.0, 0.0, 0.0))
_HAIR_COLOUR_SHARES = (0.24, 0.24, 0.19, 0.15, 0.11, 0.07)
_EYE_COLOUR_SHARES = (0.28, 0.26, 0.22, 0.12, 0.12)
_GLASSES_SHARES = (0.64, 0.18, 0.18)
_FRECKLES_SHARES = (0.78, 0.22)
_LIP_SHARES = (0.25, 0.25, 0.3, 0.2)

_QUANTISED = (
    "head_width", "jaw", "eye_size", "eye_roundness", "eye_spacing", "brow_thickness",
    "brow_angle", "nose_length", "nose_width", "mouth_width", "lips",
)  # fmt: skip
LABELS: dict[str, int] = {
    "gender": 2,
    "skin": len(SKINS),
    "hair_style": len(HAIR_STYLES),
    "hair_colour": len(HAIR_COLOURS),
    "eye_colour": len(EYE_COLOURS),
    "lip_colour": len(LIP_COLOURS),
    "glasses": len(GLASSES),
    "beard": len(BEARDS),
    "freckles": 2,
    **dict.fromkeys(_QUANTISED, 3),
}
"""Classes of each categorical or quantised attribute; the quantised ones are low, middle, high."""


def number(values: Tensor, name: str) -> Tensor:
    """The column `name` of people (N, IDENTITY_SIZE), as (N,)."""
    return values[:, IDENTITY.index(name)]


def circumstance(values: Tensor, name: str) -> Tensor:
    """The column `name` of scenes (N, SCENE_SIZE), as (N,)."""
    return values[:, SCENE.index(name)]


def _uniform(count: int, size: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, size, generator=generator, dtype=torch.float32)


def sample_people(count: int, generator: torch.Generator) -> Tensor:
    """(count, IDENTITY_SIZE) float32 in [0,1) on the CPU; same generator state, same bytes."""
    return _uniform(count, IDENTITY_SIZE, generator)


def sample_scenes(count: int, generator: torch.Generator, *, busy: bool = False) -> Tensor:
    """(count, SCENE_SIZE) float32 in [0,1) on the CPU; same generator state, same bytes.

    Busy scenes have several soft shapes behind the person, the others at most a faint few.
    """
    scenes = _uniform(count, SCENE_SIZE, generator)
    column = SCENE.index("busy")
    scenes[:, column] = scenes[:, column] * (0.4 if busy else 0.3) + (0.6 if busy else 0.0)
    return scenes


def binned(value: Tensor, shares: tuple[float, ...]) -> Tensor:
    """Class indices (N,) of numbers (N,) in [0,1], classes taking up the given shares in order."""
    limits = torch.tensor(shares, dtype=torch.float64).cumsum(0)[:-1].float().to(value.device)
    return (value.unsqueeze(-1) >= limits).sum(-1)


def _by_gender(people: Tensor, name: str, shares: tuple[tuple[float, ...], ...]) -> Tensor:
    value = number(people, name)
    woman = number(people, "gender") >= 0.5
    return torch.where(woman, binned(value, shares[1]), binned(value, shares[0]))


def hair_style(people: Tensor) -> Tensor:
    """Index into HAIR_STYLES, (N,)."""
    return _by_gender(people, "hair_style", _HAIR_SHARES)


def labels(people: Tensor) -> dict[str, Tensor]:
    """Name -> LongTensor (N,) of class indices below LABELS[name]; people (N, IDENTITY_SIZE)."""
    found = {
        "gender": (number(people, "gender") >= 0.5).long(),
        "skin": binned(number(people, "skin"), (0.2,) * 5),
        "hair_style": hair_style(people),
        "hair_colour": binned(number(people, "hair_colour"), _HAIR_COLOUR_SHARES),
        "eye_colour": binned(number(people, "eye_colour"), _EYE_COLOUR_SHARES),
        "lip_colour": binned(number(people, "lip_colour"), _LIP_SHARES),
        "glasses": binned(number(people, "glasses"), _GLASSES_SHARES),
        "beard": _by_gender(people, "beard", _BEARD_SHARES),
        "freckles": binned(number(people, "freckles"), _FRECKLES_SHARES),
        "lips": binned(0.5 * (number(people, "upper_lip") + number(people, "lower_lip")),
                       (0.36, 0.28, 0.36)),
    }  # fmt: skip
    for name in LABELS:
        if name not in found:
            found[name] = binned(number(people, name), (1 / 3,) * 3)
    return {name: found[name] for name in LABELS}


def geometry(people: Tensor) -> Tensor:
    """(N, len(GEOMETRY)) numbers in [0,1] that show in the outline and features of a person.

    A number that hair hides (ears) or that has nothing to act on (a bald person's hairline) reads
    0.5, so that its cost in a regression is the same for all.
    """
    style = hair_style(people)
    hides_ears = torch.tensor([s in EARS_HIDDEN for s in HAIR_STYLES], device=people.device)[style]
    columns = []
    for name in GEOMETRY:
        value = number(people, name)
        if name == "ears":
            value = torch.where(hides_ears, torch.full_like(value, 0.5), value)
        elif name == "hairline":
            value = torch.where(style == 0, torch.full_like(value, 0.5), value)
        columns.append(value)
    return torch.stack(columns, dim=1)
