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

ARMS: Mapping[str, str] = {
    "class word": "the model as it is, asked for “nose”",
    "caption": "the model as it is, asked in the best words there are",
    "word": "the learned word, no LoRA",
    "LoRA + class word": "the LoRA, asked for “nose”",
    "LoRA + stranger's word": "the LoRA, and the word learned for somebody else",
    "LoRA + word": "the LoRA and the person's own word: what FaceA does",
    "untouched": "the picture itself through the autoencoder: the floor",
    "chimera": "the exact answer through the autoencoder: the ceiling",
}


@dataclass(frozen=True, eq=False)
class Person:
    """Who is learned, and a stranger who was learned in the same way."""

    identity: Identity
    stranger: Identity


def repaint(
    arm: str, person: Person, host: Host, face: FaceAttributes, backbone: Backbone, seed: int
) -> Tensor:
    """The host's picture `(1, 3, H, W)` with one part repainted. `face` is what was found in it."""
    config = ComposeConfig(seed=seed)
    (target,) = part_faces(face, wanted_parts(host.part), person.identity, {}, config)
    shown = host.answer.image if arm == "chimera" else host.before.image

    def paint(_: TargetFace, crop: Crop, seeds: Sequence[int]) -> Tensor:
        if arm in ("untouched", "chimera"):
            return backbone.decode(backbone.encode_image(crop_image(shown, crop.plan)).sample())
        strength, prompt, words = _asked(arm, person, host)
        with apply_identity(backbone, person.identity, strength):
            both = backbone.text.encode([prompt, ""], words)
            rows = torch.arange(2, device=both.context.device)
            positive, negative = both.select(rows[:1]), both.select(rows[1:])
            return inpaint(backbone, positive, negative, crop.image, crop.mask, config, seeds)

    target = TargetFace(target.mask, None, "", target.around)
    return compose_faces(host.before.image, [target], paint, backbone.spec, config).image


def _asked(
    arm: str, person: Person, host: Host
) -> tuple[float, str, dict[str, Mapping[str, Tensor]]]:
    """The LoRA's strength, the prompt, and the learned words in it."""
    strength = 1.0 if arm.startswith("LoRA") else 0.0
    if arm == "caption":
        return strength, f"a photo of {host.asked} of a {host.noun}", {}
    if arm.endswith("class word") or arm == "class word":
        return strength, f"a photo of {host.part} of a {host.noun}", {}
    one = person.stranger if "stranger" in arm else person.identity
    word = one.word(host.part)
    assert word is not None  # both learned every part that is asked for
    prompt = f"a photo of embedding:{word.placeholder} of a {host.noun}"
    return strength, prompt, {word.placeholder: word.vectors}
