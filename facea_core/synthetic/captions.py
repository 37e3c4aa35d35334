"""Captions of synthetic people: a small fixed grammar of lower-case words.

A caption reads "a photo of a woman with curly red hair, blue eyes, round glasses, freckles, fair
skin, smiling, at sunset"; the last two come from the scene.
"""

from __future__ import annotations

from torch import Tensor

from .parameters import (
    BACKDROPS,
    BEARDS,
    EYE_COLOURS,
    GLASSES,
    HAIR_COLOURS,
    HAIR_STYLES,
    IDENTITY,
    LIP_COLOURS,
    OPEN,
    SCENE,
    SKINS,
    SMILING,
    labels,
)

_STYLE_WORDS = {
    "buzzed": "buzzed {} hair",
    "short": "short {} hair",
    "curly": "curly {} hair",
    "afro": "{} afro",
    "straight": "long straight {} hair",
    "wavy": "long wavy {} hair",
    "bob": "{} bob",
    "bun": "{} hair in a bun",
}
_BEARD_WORDS = {
    "stubble": "stubble",
    "moustache": "a moustache",
    "goatee": "a goatee",
    "full": "a full beard",
}
_PLACE_WORDS = {
    "wall": "against a plain wall",
    "sea": "by the sea",
    "sunset": "at sunset",
    "meadow": "in a meadow",
    "night": "at night",
}
_EYE_SHAPES = ("narrow", "", "round")
_SIZES = ("small", "", "large")
_WIDTHS = ("narrow", "", "wide")
_LENGTHS = ("short", "", "long")
_BROW_SHAPES = ("thin", "", "thick")
_LIP_SHAPES = ("thin", "", "full")

VOCABULARY: tuple[str, ...] = tuple(
    sorted(
        {
            word
            for text in (
                "man woman person face photo painting the a an of with and ears",
                "glasses beard eyes eyebrows nose mouth skin freckles bald head hair",
                "smiling an open mouth no",
                *_STYLE_WORDS.values(), *_BEARD_WORDS.values(), *_PLACE_WORDS.values(),
                *_EYE_SHAPES, *_SIZES, *_WIDTHS, *_LENGTHS, *_BROW_SHAPES, *_LIP_SHAPES,
                *HAIR_COLOURS, *EYE_COLOURS, *LIP_COLOURS, *SKINS, *GLASSES[1:],
            )
            for word in text.replace("{}", " ").split()
        }
    )
)  # fmt: skip
"""Every word that `describe` and `describe_part` can use, and the words that name a person."""


def _classes(people: Tensor) -> list[dict[str, int]]:
    columns = {name: values.tolist() for name, values in labels(people.detach().cpu()).items()}
    return [{name: values[i] for name, values in columns.items()} for i in range(people.shape[0])]


def _phrase(*words: str) -> str:
    text = " ".join(word for word in words if word)
    return ("an " if text[0] in "aeiou" else "a ") + text


def _join(*words: str) -> str:
    return " ".join(word for word in words if word)


def class_noun(person: Tensor) -> str:
    """ "man" or "woman"; person (IDENTITY_SIZE,)."""
    return "woman" if float(person[IDENTITY.index("gender")]) >= 0.5 else "man"


def _hair(of: dict[str, int]) -> str:
    style = HAIR_STYLES[of["hair_style"]]
    if style == "bald":
        return "bald head"
    return _STYLE_WORDS[style].format(HAIR_COLOURS[of["hair_colour"]])


def describe(person: Tensor, scene: Tensor | None = None) -> str:
    """One caption for a person (IDENTITY_SIZE,) and, if given, a scene (SCENE_SIZE,)."""
    return describe_all(person[None], None if scene is None else scene[None])[0]


def describe_all(people: Tensor, scenes: Tensor | None = None) -> tuple[str, ...]:
    """What `describe` says of each of many people (N, IDENTITY_SIZE), much faster per person."""
    rows = [None] * people.shape[0] if scenes is None else scenes.detach().cpu().tolist()
    return tuple(_caption(of, row) for of, row in zip(_classes(people), rows, strict=True))


def _caption(of: dict[str, int], scene: list[float] | None) -> str:
    hair = _hair(of)
    counted = HAIR_STYLES[of["hair_style"]] in ("bald", "afro", "bob")
    parts = [_phrase(hair) if counted else hair]
    parts.append(f"{EYE_COLOURS[of['eye_colour']]} eyes")
    if of["glasses"]:
        parts.append(f"{GLASSES[of['glasses']]} glasses")
    if of["beard"]:
        parts.append(_BEARD_WORDS[BEARDS[of["beard"]]])
    if of["freckles"]:
        parts.append("freckles")
    parts.append(f"{SKINS[of['skin']]} skin")
    if scene is not None:
        value = dict(zip(SCENE, scene, strict=True))
        if value["smile"] >= SMILING:
            parts.append("smiling")
        if value["mouth_open"] >= OPEN:
            parts.append("an open mouth")
        parts.append(place(value["backdrop"]))
    noun = "woman" if of["gender"] else "man"
    return f"a photo of a {noun} with " + ", ".join(parts)


def place(backdrop: float) -> str:
    """Where the scene is, from its backdrop number in [0,1]."""
    index = min(int(backdrop * len(BACKDROPS)), len(BACKDROPS) - 1)
    return _PLACE_WORDS[BACKDROPS[index]]


def describe_part(person: Tensor, part: str) -> str:
    """A phrase for one of PARTS of a person (IDENTITY_SIZE,); KeyError for another name."""
    return describe_part_all(person[None], part)[0]


def describe_part_all(people: Tensor, part: str) -> tuple[str, ...]:
    """What `describe_part` says of each of many people (N, IDENTITY_SIZE)."""
    return tuple(_part(of, part) for of in _classes(people))


def _part(of: dict[str, int], part: str) -> str:
    if part == "face":
        return _caption(of, None)
    if part == "hair":
        return _hair(of)
    if part == "eyebrows":
        return _join(_BROW_SHAPES[of["brow_thickness"]], HAIR_COLOURS[of["hair_colour"]],
                     "eyebrows")  # fmt: skip
    if part == "eyes":
        return _join(_SIZES[of["eye_size"]], EYE_COLOURS[of["eye_colour"]],
                     _EYE_SHAPES[of["eye_roundness"]], "eyes")  # fmt: skip
    if part == "nose":
        return _phrase(_LENGTHS[of["nose_length"]], _WIDTHS[of["nose_width"]], "nose")
    if part == "mouth":
        return _phrase(_WIDTHS[of["mouth_width"]], LIP_COLOURS[of["lip_colour"]],
                       _LIP_SHAPES[of["lips"]], "mouth")  # fmt: skip
    raise KeyError(part)
