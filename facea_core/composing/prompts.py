"""The prompt of each face."""

from __future__ import annotations

from collections.abc import Sequence

from ..backbone.prompts import WORD, placeholders
from ..types import Identity

SEPARATOR = "[SEP]"
"""Between the prompts of several faces, as users of ADetailer write it."""


def face_prompt(prompt: str, identity: Identity | None, others: Sequence[Identity] = ()) -> str:
    """The prompt for one face: the identity's own if `prompt` is empty.

    The words of `others` are taken out, so that one prompt can serve several identities. If none of
    the identity's words is in it, they are all added at the end; a prompt with some of them is left
    as it is, for the user chose.
    """
    if identity is None:
        mine: list[str] = []
    else:
        prompt = prompt.strip() or identity.meta.prompt
        mine = [word.placeholder for word in identity.words]
    foreign = {word.placeholder for other in others for word in other.words} - set(mine)
    prompt = WORD.sub(lambda found: "" if found[1] in foreign else found[0], prompt)
    if not set(mine) & set(placeholders(prompt)):
        # ComfyUI reads a word only after a space.
        prompt = " ".join([prompt.strip(), *(f"embedding:{name}" for name in mine)])
    return " ".join(prompt.split())


def prompt_for(prompt: str, face: int) -> str:
    """Of a prompt with `[SEP]` in it the part for face number `face`, from 0; of any other all.

    The last part is also for all faces after it. An empty one is the identity's own.
    """
    parts = prompt.split(SEPARATOR)
    return parts[min(face, len(parts) - 1)].strip()
