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
from facea_core.io.images import crop, cut
from facea_core.types import Box, FaceAttributes, Identity, Photo

from .truth import Host

_AROUND = 1.5
"""What is pasted, in boxes of the part: more than what is repainted shows of it."""


@dataclass(frozen=True)
class Arm:
    """A way to repaint a part: the strength of the person's LoRA, and whose word is asked for.

    `word` is "class", "caption", "own" or "stranger"; "" = nothing is painted, and what is shown
    went through the autoencoder alone, or is the pasted part itself.
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
    "paste": Arm("no model: the part of a photo, as large as in the photo, pasted in its place"),
    "untouched": Arm("the picture itself through the autoencoder: the floor"),
    "chimera": Arm("the exact answer through the autoencoder: the ceiling"),
}


@dataclass(frozen=True, eq=False)
class Person:
    """Who is learned, a photo of them, and a stranger who was learned in the same way."""

    identity: Identity
    stranger: Identity
    photo: Photo


def repaint(
    name: str, person: Person, host: Host, face: FaceAttributes, backbone: Backbone, seed: int
) -> Tensor:
    """The host's picture `(1, 3, H, W)` with one part repainted by the arm of that name.

    `face` is what was found in the picture.
    """
    arm, config = ARMS[name], ComposeConfig(seed=seed)
    targets = part_faces(face, wanted_parts(host.part), person.identity, {}, config)
    shown = host.answer.image if name == "chimera" else host.before.image
    if name == "paste":
        shown = pasted(shown, face, person.photo, host.part)

    def paint(_: TargetFace, view: Crop, seeds: Sequence[int]) -> Tensor:
        if not arm.word:
            made = crop_image(shown, view.plan)
            return (
                made if name == "paste" else backbone.decode(backbone.encode_image(made).sample())
            )
        prompt, words = _asked(arm.word, person, host)
        with apply_identity(backbone, person.identity, arm.lora):
            both = backbone.text.encode([prompt, ""], words)
            rows = torch.arange(2, device=both.context.device)
            positive, negative = both.select(rows[:1]), both.select(rows[1:])
            return inpaint(backbone, positive, negative, view.image, view.mask, config, seeds)

    return compose_faces(host.before.image, targets, paint, backbone.spec, config).image


def pasted(image: Tensor, face: FaceAttributes, photo: Photo, part: str) -> Tensor:
    """The image with that part of the photo over its own, as large against the face as there."""
    theirs, here = photo.attributes.part(part), face.part(part)
    if theirs is None or here is None:
        return image
    source = theirs.box.grow(_AROUND)
    scale = face.face.width / photo.attributes.face.width
    width, height = round(source.width * scale), round(source.height * scale)
    (cx, cy), result = here.box.center, image.clone()
    x0, y0 = round(cx - width / 2), round(cy - height / 2)
    place = Box(x0, y0, x0 + width, y0 + height)
    seen = place.clip((image.shape[2], image.shape[3]))
    patch = cut(photo.image, source, (height, width)).to(image)
    result[..., seen.y0 : seen.y1, seen.x0 : seen.x1] = crop(patch, seen.shift(-x0, -y0))
    return result


def _asked(word: str, person: Person, host: Host) -> tuple[str, dict[str, Mapping[str, Tensor]]]:
    """The prompt, and the learned words in it."""
    plain = {"class": host.part, "caption": host.asked}
    if word in plain:
        return f"a photo of {plain[word]} of a {host.noun}", {}
    learned = (person.stranger if word == "stranger" else person.identity).word(host.part)
    assert learned is not None  # both learned every part that is asked for
    key = learned.placeholder
    return f"a photo of embedding:{key} of a {host.noun}", {key: learned.vectors}
