"""Paint people into a picture, one face after another: crop, inpaint, match colours, stitch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..backbone import Backbone, Conditioning, latent_mask
from ..backbone.prompts import WORD, placeholders
from ..errors import ConfigError, ImageError
from ..identity.adapters import apply_identity
from ..io.images import EDGE, check_image, check_mask
from ..types import BackboneSpec, Choice, Composition, CropPlan, Identity
from .candidates import Rank, candidate_seed, choose
from .config import ComposeConfig
from .masks import blend_weight, soften
from .plan import plan_crop
from .sampler import OnPaint, inpaint
from .stitch import crop_image, crop_mask, match_colour, stitch

SEPARATOR = "[SEP]"
"""Between the prompts of several faces, as users of ADetailer write it."""


class Piece(NamedTuple):
    """What is painted at once: a crop (1, 3, s, s), its hole (1, 1, s, s), and where it lies."""

    crop: Tensor
    hole: Tensor
    plan: CropPlan


Painter = Callable[[int, int, Piece], Tensor]
"""(face, candidate, piece) -> the whole crop anew, (1, 3, s, s)."""


def compose_identity(
    image: Tensor,
    faces: Sequence[tuple[Tensor, Identity | None]],
    backbone: Backbone,
    config: ComposeConfig | None = None,
    prompt: str | Sequence[str] = "",
    on_step: OnPaint | None = None,
    rank: Rank | None = None,
) -> Composition:
    """Paints each identity into image (1, 3, H, W) where its mask (1, 1, H, W) says.

    Faces are painted in order, each seeing those before it; see `compose_faces`. The identity None
    is the backbone alone. `prompt` is one for all faces or one per face, as several or in one text
    (`prompt_for`); empty = the identity's own; see `face_prompt`. `on_step(step, total)` counts
    over all faces and candidates; raise in it to cancel.

    Everything is checked before anything is painted. Raises ImageError and MaskError for tensors
    that cannot be used, ConfigError for prompts that do not match the faces or hold an unknown
    word, BackboneMismatchError for an identity of another model family.
    """
    config = config or ComposeConfig()
    if isinstance(prompt, str):
        prompts = [prompt_for(prompt, number) for number in range(len(faces))]
    else:
        prompts = list(prompt)
    if len(prompts) != len(faces):
        raise ConfigError(
            f"there are {len(prompts)} prompts for {len(faces)} faces: give one, or one per face"
        )
    masks = [mask for mask, _ in faces]
    people = [identity for _, identity in faces]
    everybody = [identity for identity in people if identity is not None]
    conditions = [
        _condition(backbone, face_prompt(text, identity, everybody), config.negative, identity)
        for text, identity in zip(prompts, people, strict=True)
    ]
    painted = [i for i, mask in enumerate(masks) if marks(mask)]

    def paint(face: int, candidate: int, piece: Piece) -> Tensor:
        count = config.candidates
        before = (painted.index(face) * count + candidate) * config.steps
        total = len(painted) * count * config.steps
        seed = candidate_seed(config.seed, candidate)

        def report(step: int, _: int) -> None:
            if on_step is not None:
                on_step(before + step, total)

        with _applied(backbone, people[face], config.strength):
            return inpaint(
                backbone, *conditions[face], piece.crop, piece.hole, config, seed, on_step=report
            )

    return compose_faces(image, masks, paint, backbone.spec, config, rank)


def compose_faces(
    image: Tensor,
    masks: Sequence[Tensor],
    paint: Painter,
    spec: BackboneSpec,
    config: ComposeConfig | None = None,
    rank: Rank | None = None,
) -> Composition:
    """Image (1, 3, H, W) with what `paint` makes of the square around each mask (1, 1, H, W).

    Each square is cut out, handed over at the native size of `spec`, matched in colour and put
    back, in order, each seeing those before it. What is 0.5 or more is repainted whole; a mask with
    hard edges is blended outwards over the feather (`soften`), any other only where it is above 0.
    No pixel changes where the mask that is returned is 0; at feather 0 that is where all masks are
    0. A mask that is nowhere 0.5 is not painted and leaves a note. With `config.candidates` each
    is painted so often, and the one is kept that meets the picture best and that `rank` likes best.
    Raises ImageError and MaskError for tensors that cannot be used, before anything is painted.
    """
    config = config or ComposeConfig()
    image = check_image(image.detach().cpu())
    if len(image) != 1:
        raise ImageError(
            f"one picture is composed at a time, not a batch of {len(image)}: call it for each"
        )
    masks = [soften(check_mask(mask.detach().cpu(), image), config.feather) for mask in masks]
    result, touched = image.clone(), torch.zeros_like(image[:, :1])
    plans: list[CropPlan] = []
    crops: list[Tensor] = []
    patches: list[Tensor] = []
    notes: list[str] = []
    choices: list[Choice] = []
    for face, mask in enumerate(masks):
        if not marks(mask):
            notes.append(f"face {face + 1}: {_nothing(mask)}")
            continue
        plan = plan_crop(mask, spec, config.context_factor)
        crop, wanted = crop_image(result, plan), crop_mask(mask, plan)
        drawn = crop_mask((mask >= EDGE).float(), plan)
        hole = visible_hole(wanted, drawn, spec.latent_factor)
        if hole is not wanted:
            notes.append(
                f"face {face + 1}: the mask, or a part of it, is smaller than the model can see; "
                "more was painted and cut to the mask"
            )
        made = [
            match_colour(
                paint(face, candidate, Piece(crop, hole, plan)), crop, hole, config.colour_match
            )
            for candidate in range(config.candidates)
        ]
        if made[1:]:
            kept, choice = choose(made, crop, wanted, rank and partial(rank, face))
            patch = made[kept]
            choices.append(choice)
        else:
            (patch,) = made
        result = stitch(result, patch, mask, plan)
        touched = torch.maximum(touched, blend_weight(mask))
        plans.append(plan)
        crops.append(crop)
        patches.append(patch)
    return Composition(
        result, touched, tuple(plans), tuple(crops), tuple(patches), tuple(notes), tuple(choices)
    )


def marks(mask: Tensor) -> bool:
    """Whether there is anything to paint: a mask is painted where it is at least 0.5."""
    return bool((mask >= EDGE).any())


def _nothing(mask: Tensor) -> str:
    strongest = float(mask.max())
    if strongest == 0:
        return "the mask is empty"
    return f"the mask marks nothing: its strongest value is {strongest:.2g}, and {EDGE} is painted"


def _applied(
    backbone: Backbone, identity: Identity | None, strength: float
) -> AbstractContextManager[dict[str, dict[str, Tensor]]]:
    return nullcontext({}) if identity is None else apply_identity(backbone, identity, strength)


@torch.no_grad()
def _condition(
    backbone: Backbone, prompt: str, negative: str, identity: Identity | None
) -> tuple[Conditioning, Conditioning]:
    # The LoRA is the U-Net's alone: strength 0 checks the identity and yields its words.
    with _applied(backbone, identity, 0.0) as words:
        both = backbone.encode_prompts([prompt, negative], words)
    rows = torch.arange(2, device=both.context.device)
    return both.select(rows[:1]), both.select(rows[1:])


def face_prompt(prompt: str, identity: Identity | None, others: Sequence[Identity] = ()) -> str:
    """The prompt for one face: the identity's own if `prompt` is empty.

    The words of `others` are taken out, so that one prompt can serve several people. If none of the
    identity's words is in it, they are all added at the end; a prompt with some of them is left as
    it is, for the user chose.
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


def visible_hole(hole: Tensor, drawn: Tensor, factor: int) -> Tensor:
    """The hole (1, 1, s, s) itself, or with all latent pixels of what vanishes at latent size.

    `drawn` (1, 1, s, s) is above 0 where anything is to be repainted. Otherwise the model would be
    shown a grey strand, or nothing of it, and no mask, and would paint the strand again.
    """
    near = F.max_pool2d(latent_mask(hole, factor), 3, stride=1, padding=1)
    lost = F.max_pool2d((drawn > 0).float(), factor) * (1 - near)
    if not lost.any():
        return hole
    return torch.maximum(hole, F.interpolate(lost, scale_factor=factor, mode="nearest"))
