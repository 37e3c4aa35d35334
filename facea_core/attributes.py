"""The vocabulary of facial attributes: what the detector is asked and what the model learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from .errors import ConfigError, quoted, shortened
from .settings import LONGEST_NAME, check_text


@dataclass(frozen=True)
class Attribute:
    """One vocabulary entry.

    Its name is what a detector is asked, and the class word that a learned word starts from.
    """

    name: str


ATTRIBUTES: dict[str, Attribute] = {
    name: Attribute(name)
    for name in (
        "face", "eyes", "nose", "mouth", "hair", "eyebrows", "beard", "ears", "glasses",
    )
}  # fmt: skip
"""Every known attribute by name. The part of `face` is the face box itself."""

PRESETS: dict[str, tuple[str, ...]] = {
    "male": ("eyes", "nose", "mouth"),
    "female": ("eyes", "nose", "mouth", "hair"),
    "face-male": ("face", "eyes", "mouth"),
    "face-female": ("face", "eyes", "mouth", "hair"),
}
"""FaceA-Net has three embeddings for men and four for women; these are both plausible readings."""


NECK_LENGTH, NECK_WIDTH = 0.3, 0.8
"""How much of the neck belongs to a head, in face heights and widths."""


def attribute_table(preset_or_names: str | Sequence[str]) -> tuple[Attribute, ...]:
    """The attributes of a preset ("male"), a comma list ("eyes, nose") or a sequence of names.

    The order is kept. Raises ConfigError for an unknown name (the nearest known one is named), a
    name that is given twice, and an empty list.
    """
    if isinstance(preset_or_names, str):
        check_text("attributes", preset_or_names)
        text = preset_or_names.strip().lower()
        names = PRESETS.get(text) or tuple(part.strip() for part in text.split(",") if part.strip())
    elif not isinstance(preset_or_names, (list, tuple)):
        raise ConfigError(f"attributes is {quoted(preset_or_names)}; give a text or a list of them")
    else:
        names = tuple(str(name).strip().lower() for name in preset_or_names)
    if not names:
        raise ConfigError(
            f"no attributes in {quoted(preset_or_names)}; give a preset ({', '.join(PRESETS)}) "
            "or names such as 'eyes, nose, mouth'"
        )
    for name in names:
        if name not in ATTRIBUTES:
            raise ConfigError(_unknown(name, alone=len(names) == 1))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(
            f"attribute {twice!r} is given more than once in {shortened(', '.join(names))}"
        )
    return tuple(ATTRIBUTES[name] for name in names)


def _unknown(name: str, *, alone: bool) -> str:
    known = [*ATTRIBUTES, *PRESETS] if alone else list(ATTRIBUTES)
    near = get_close_matches(name[:LONGEST_NAME], known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    presets = f"; presets: {', '.join(PRESETS)}" if alone else ""
    return f"unknown attribute {quoted(name)}; {hint}known: {', '.join(ATTRIBUTES)}{presets}"
