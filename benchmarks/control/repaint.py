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
    Rank,
    TargetFace,
    compose_faces,
    inpaint,
    part_faces,
    wanted_parts,
)
from facea_core.identity.adapters import apply_identity
from facea_core.io.images import cut
from facea_core.types import FaceAttributes, Identity, Photo

from ..likeness.generate import frame_over
from .bounds import put_inside
from .truth import Host


@dataclass(frozen=True)
class Arm:
    """A way to repaint a part: the strength of the person's LoRA, and whose word is asked for.

    `word` is "class", "caption", "own" or "stranger"; "" = nothing is painted, and what is shown
    went through the autoencoder alone, or is the pasted part itself. Of several `candidates` the
    one is kept that is most like the person's photos.
    """

    about: str
    lora: float = 0.0
    word: str = ""
    candidates: int = 1


ARMS: Mapping[str, Arm] = {
    "class word": Arm("the model as it is, asked for “nose”", 0.0, "class"),
    "caption": Arm("the model as it is, asked in the best words there are", 0.0, "caption"),
    "word": Arm("the learned word, no LoRA", 0.0, "own"),
    "LoRA + class word": Arm("the LoRA, asked for “nose”", 1.0, "class"),
    "LoRA + stranger's word": Arm("the LoRA, and somebody else's learned word", 1.0, "stranger"),
    "LoRA + word": Arm("the LoRA and the person's own word: what FaceA does", 1.0, "own"),
    "best of 4": Arm("the same, and of four the most like the person's photos", 1.0, "own", 4),
    "paste": Arm("no model: the part of a photo, as large as in the photo, pasted in its place"),
    "untouched": Arm("the picture itself through the autoencoder: the floor"),
    "chimera": Arm("the exact answer through the autoencoder: the ceiling"),
}


@dataclass(frozen=True, eq=False)
class Person:
    """Who is learned, a stranger who was learned in the same way, a photo of them to paste, and how
    like them a face is."""

    identity: Identity
    stranger: Identity
    photo: Photo
    rank: Rank


def repaint(
    name: str, person: Person, host: Host, face: FaceAttributes, backbone: Backbone, seed: int
) -> Tensor:
    """The host's picture `(1, 3, H, W)` with one part repainted by the arm of that name.

    `face` is what was found in the picture.
    """
    arm = ARMS[name]
    config = ComposeConfig(seed=seed, candidates=arm.candidates)
    targets = part_faces(face, wanted_parts(host.part), person.identity, {}, config)
    before = host.before.image
    if not arm.word:
        shown = host.answer.image if name == "chimera" else before
        if name == "paste":
            shown = pasted(before, face, person.photo, host.part)
        return put_inside(before, shown, targets, backbone, config, coded=name != "paste")

    def paint(_: TargetFace, crop: Crop, seeds: Sequence[int]) -> Tensor:
        prompt, words = _asked(arm.word, person, host)
        with apply_identity(backbone, person.identity, arm.lora):
            both = backbone.text.encode([prompt, ""], words)
            rows = torch.arange(2, device=both.context.device)
            positive, negative = both.select(rows[:1]), both.select(rows[1:])
            return inpaint(backbone, positive, negative, crop.image, crop.mask, config, seeds)

    rank = person.rank if arm.candidates > 1 else None
    return compose_faces(before, targets, paint, backbone.spec, config, rank).image


def pasted(image: Tensor, face: FaceAttributes, photo: Photo, part: str) -> Tensor:
    """The photo, moved so that this part lies on that of the image, its face as wide as there."""
    theirs, here = photo.attributes.part(part), face.part(part)
    if theirs is None or here is None:
        return image
    scale = photo.attributes.face.width / face.face.width
    frame = frame_over(theirs.box.center, here.box.center, scale, face.size)
    return cut(photo.image, frame, face.size)


def _asked(word: str, person: Person, host: Host) -> tuple[str, dict[str, Mapping[str, Tensor]]]:
    """The prompt, and the learned words in it."""
    plain = {"class": host.part, "caption": host.asked}
    if word in plain:
        return f"a photo of {plain[word]} of a {host.noun}", {}
    learned = (person.stranger if word == "stranger" else person.identity).word(host.part)
    assert learned is not None  # both learned every part that is asked for
    key = learned.placeholder
    return f"a photo of embedding:{key} of a {host.noun}", {key: learned.vectors}
