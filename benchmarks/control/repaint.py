"""One part of a face repainted, in the way of each arm: equal masks, equal noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facea_core.backbone import Backbone
from facea_core.composing import (
    ComposeConfig,
    Crop,
    TargetFace,
    compose_faces,
    crop_image,
    inpaint,
    part_faces,
    wanted_parts,
)
from facea_core.identity.adapters import apply_identity
from facea_core.types import FaceAttributes, Identity

from .truth import Host


@dataclass(frozen=True)
class Arm:
    """A way to repaint a part: the strength of the person's LoRA, and whose word is asked for.

    `word` is "class", "caption", "own" or "stranger"; "" = nothing is painted, and what is shown
    went through the autoencoder alone.
    """

    about: str
    lora: float = 0.0
    word: str = ""


ARMS: Mapping[str, Arm] = {
    "class word": Arm("the model as it is, asked for “nose”", 0.0, "class"),
    "caption": Arm("the model as it is, asked in the best words there are", 0.0, "caption"),
    "word": Arm("the learned word, no LoRA", 0.0, "own"),
    "LoRA + class word": Arm("the LoRA, asked for “nose”", 1.0, "class"),
    "LoRA + stranger's word": Arm("the LoRA, and somebody else's learned word", 1.0, "stranger"),
    "LoRA + word": Arm("the LoRA and the person's own word: what FaceA does", 1.0, "own"),
    "untouched": Arm("the picture itself through the autoencoder: the floor"),
    "chimera": Arm("the exact answer through the autoencoder: the ceiling"),
}


@dataclass(frozen=True, eq=False)
class Person:
    """Who is learned, and a stranger who was learned in the same way."""

    identity: Identity
    stranger: Identity


def repaint(
    name: str, person: Person, host: Host, face: FaceAttributes, backbone: Backbone, seed: int
) -> Tensor:
    """The host's picture `(1, 3, H, W)` with one part repainted by the arm of that name.

    `face` is what was found in the picture.
    """
    arm, config = ARMS[name], ComposeConfig(seed=seed)
    targets = part_faces(face, wanted_parts(host.part), person.identity, {}, config)
    shown = host.answer.image if name == "chimera" else host.before.image

    def paint(_: TargetFace, crop: Crop, seeds: Sequence[int]) -> Tensor:
        if not arm.word:
            return backbone.decode(backbone.encode_image(crop_image(shown, crop.plan)).sample())
        prompt, words = _asked(arm.word, person, host)
        with apply_identity(backbone, person.identity, arm.lora):
            both = backbone.text.encode([prompt, ""], words)
            rows = torch.arange(2, device=both.context.device)
            positive, negative = both.select(rows[:1]), both.select(rows[1:])
            return inpaint(backbone, positive, negative, crop.image, crop.mask, config, seeds)

    return compose_faces(host.before.image, targets, paint, backbone.spec, config).image


def _asked(word: str, person: Person, host: Host) -> tuple[str, dict[str, Mapping[str, Tensor]]]:
    """The prompt, and the learned words in it."""
    plain = {"class": host.part, "caption": host.asked}
    if word in plain:
        return f"a photo of {plain[word]} of a {host.noun}", {}
    learned = (person.stranger if word == "stranger" else person.identity).word(host.part)
    assert learned is not None  # both learned every part that is asked for
    key = learned.placeholder
    return f"a photo of embedding:{key} of a {host.noun}", {key: learned.vectors}
