"""Paint identities into an image, one face after another: crop, inpaint, match colours, stitch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ..backbone import Backbone, Conditioning, latent_mask
from ..backbone.prompts import Words
from ..errors import ConfigError, ImageError
from ..identity.adapters import apply_identity, held, holding
from ..io.images import EDGE, check_image, check_mask
from ..types import BackboneSpec, Choice, Composition, CropPlan, Identity
from .candidates import Rank, candidate_seed, choose
from .config import ComposeConfig
from .control import Control, check_controls
from .faces import Crop, Revision, TargetFace
from .masks import SECOND_PASS_WIDER, blend_weight, soften, widened
from .plan import plan_crop
from .prompts import face_prompt, prompt_for
from .sampler import Mixture, OnPaint, inpaint
from .stitch import crop_image, crop_mask, match_colour, stitch

Revise = Callable[[TargetFace, Crop], Revision]
"""(face, what the model is shown of it) -> how its painting is held to something known."""

Painter = Callable[[TargetFace, Crop, Sequence[int]], Tensor]
"""(face, crop, N seeds) -> the whole crop anew by each seed, (N, 3, s, s)."""


def compose_identity(
    image: Tensor,
    faces: Sequence[TargetFace | tuple[Tensor, Identity | None]],
    backbone: Backbone,
    config: ComposeConfig | None = None,
    prompt: str | Sequence[str] = "",
    on_step: OnPaint | None = None,
    rank: Rank | None = None,
    control: Sequence[Control] = (),
    revise: Revise | None = None,
) -> Composition:
    """Paints each face's identity into image (1, 3, H, W) where its mask (1, 1, H, W) says.

    Faces are painted in order, each seeing those before it; see `compose_faces`. A face may be a
    pair (mask, identity). `prompt` is for faces that have none of their own: one for all or one per
    face, as several or in one text (`prompt_for`); see `face_prompt`. `on_step(done, total)` counts
    the steps of all candidates of all faces; raise in it to cancel. Hints of `control` show the
    whole image, at any size: each face is painted by what of them lies in its crop. `revise` tells
    of each face what holds its painting to something known: a photo that is restored.

    Everything is checked before anything is painted. Raises ImageError and MaskError for tensors
    that cannot be used, ConfigError for prompts that do not match the faces or hold an unknown
    word, BackboneMismatchError for an identity of another model family, BackboneError for a
    ControlNet of one.
    """
    config = config or ComposeConfig()
    check_controls(control, backbone.spec.family, (image.shape[-2], image.shape[-1]))
    targets = _targets(faces, prompt)
    identities = {face.identity for face in targets}
    conditions = {
        face: _conditions(backbone, face, identities, config.negative) for face in targets
    }
    layers = {path for one in identities if one is not None for path in one.lora}
    alone = partial(holding, backbone.unet, held(backbone.unet, layers))
    mixtures = {face: _mixture(backbone, face, config.negative, alone) for face in targets}
    # One identity is merged once for all of its faces.
    shared = next(iter(identities)) if len(identities) == 1 else None
    total = sum(marks(face.mask) for face in targets) * config.steps_of_face
    done = 0

    def paint(how: ComposeConfig, face: TargetFace, crop: Crop, seeds: Sequence[int]) -> Tensor:
        nonlocal done

        def report(steps: int, _: int) -> None:
            if on_step is not None:
                on_step(done + steps, total)

        known = revise and revise(face, crop)
        if known:
            crop, how = known.crop, replace(how, denoise=known.denoise)
        with _applied(backbone, None if shared else face.identity, config.strength):
            made = inpaint(
                backbone, *conditions[face], crop.image, crop.mask, how, seeds, report,
                mixtures[face], [one.cropped(crop.plan) for one in control],
            )  # fmt: skip
        done += len(seeds) * how.steps
        return known.image(made) if known else made

    first, second = partial(paint, config), partial(paint, config.second)
    with _applied(backbone, shared, config.strength):
        return compose_faces(image, targets, first, backbone.spec, config, rank, second)


def compose_faces(
    image: Tensor,
    faces: Sequence[TargetFace],
    paint: Painter,
    spec: BackboneSpec,
    config: ComposeConfig | None = None,
    rank: Rank | None = None,
    refine: Painter | None = None,
) -> Composition:
    """Image (1, 3, H, W) with what `paint` makes of the square around each face's mask.

    Each square is cut out, handed over at the native size of `spec` with a seed for each of the
    `config.candidates`, matched in colour and put back, in order, each face seeing those before it.
    What is 0.5 or more is repainted whole; a mask with hard edges is blended outwards over the
    feather (`soften`), any other only where it is above 0. No pixel changes where the mask that is
    returned is 0; at feather 0 that is where all masks are 0. A square that comes back as it was
    handed over changes nothing. A mask that is nowhere 0.5 is not painted and leaves a note. Of
    several candidates the one is kept that meets the image best and that `rank` likes best. With
    `config.second_pass` it is handed to `refine`, by which the face is painted once more under a
    slightly wider mask. Raises ImageError and MaskError for tensors that cannot be used, before
    anything is painted.
    """
    config = config or ComposeConfig()
    image = check_image(image.detach().cpu())
    if len(image) != 1:
        raise ImageError(
            f"one picture is composed at a time, not a batch of {len(image)}: call it for each"
        )
    masks = [soften(check_mask(face.mask.detach().cpu(), image), config.feather) for face in faces]
    seeds = [candidate_seed(config.seed, candidate) for candidate in range(config.candidates)]
    result, touched = image.clone(), torch.zeros_like(image[:, :1])
    plans: list[CropPlan] = []
    crops: list[Tensor] = []
    patches: list[Tensor] = []
    notes: list[str] = []
    choices: list[Choice] = []
    for number, (face, mask) in enumerate(zip(faces, masks, strict=True), start=1):
        if face.place is not None:
            mask = soften(check_mask(face.place(result), image), config.feather)
        if not marks(mask):
            notes.append(f"face {number}: {_nothing(mask)}")
            continue
        around = mask if face.around is None else torch.maximum(mask, face.around)
        plan = plan_crop(around, spec, config.context_factor)
        mask = _without_kept(mask, face)
        if not marks(mask):
            notes.append(f"face {number}: all of it is to be kept")
            continue
        crop, part = _shown(result, mask, plan, spec, roomy=face.roomy)
        if part:
            notes.append(
                f"face {number}: the mask, or a part of it, is smaller than the model can see; "
                "more was painted and cut to the mask"
            )
        made = match_colour(paint(face, crop, seeds), crop.image, crop.mask, config.colour_match)
        kept = 0
        if len(made) > 1 or rank is not None:
            choice = choose(made, crop.image, crop_mask(mask, plan), rank and partial(rank, face))
            kept = choice.kept
            choices.append(choice)
        # A slice would keep the others in memory.
        patch = made[kept : kept + 1].clone()
        crops.append(crop.image)
        result = _stitched(result, patch, crop, mask)
        if refine is not None and config.second_pass:
            mask = _without_kept(widened(mask, SECOND_PASS_WIDER), face)
            crop, _ = _shown(result, mask, plan, spec, roomy=face.roomy)
            patch = refine(face, crop, seeds[kept : kept + 1])
            patch = match_colour(patch, crop.image, crop.mask, config.colour_match)
            result = _stitched(result, patch, crop, mask)
        touched = torch.maximum(touched, blend_weight(mask))
        plans.append(plan)
        patches.append(patch)
    return Composition(
        result, touched, tuple(plans), tuple(crops), tuple(patches), tuple(notes), tuple(choices)
    )


def _without_kept(mask: Tensor, face: TargetFace) -> Tensor:
    return mask if face.keep is None else torch.minimum(mask, 1 - face.keep)


def _shown(
    image: Tensor, mask: Tensor, plan: CropPlan, spec: BackboneSpec, *, roomy: bool
) -> tuple[Crop, bool]:
    """What the model is shown of the image, and whether more than the mask had to be painted."""
    wanted = crop_mask(mask, plan)
    drawn = crop_mask((mask >= EDGE).float(), plan)
    visible = visible_mask(wanted, drawn, spec.latent_factor)
    more = visible is not wanted
    if roomy:
        visible = torch.maximum(visible, _whole_latents(drawn, spec.latent_factor))
    return Crop(crop_image(image, plan), visible, plan), more


def _stitched(image: Tensor, patch: Tensor, crop: Crop, mask: Tensor) -> Tensor:
    return image if torch.equal(patch, crop.image) else stitch(image, patch, mask, crop.plan)


def marks(mask: Tensor) -> bool:
    """Whether there is anything to paint: a mask is painted where it is at least 0.5."""
    return bool((mask >= EDGE).any())


def visible_mask(mask: Tensor, drawn: Tensor, factor: int) -> Tensor:
    """The mask (1, 1, s, s) itself, or with all latent pixels of what vanishes at latent size.

    `drawn` (1, 1, s, s) is above 0 where anything is to be repainted. Otherwise the model would be
    shown a grey strand, or nothing of it, and no mask, and would paint the strand again.
    """
    near = F.max_pool2d(latent_mask(mask, factor), 3, stride=1, padding=1)
    lost = _whole_latents(drawn, factor) * F.interpolate(1 - near, scale_factor=factor)
    return torch.maximum(mask, lost) if lost.any() else mask


def _whole_latents(drawn: Tensor, factor: int) -> Tensor:
    """`drawn` (1, 1, s, s) with 1 in all pixels of each latent pixel in which it is above 0."""
    return F.interpolate(F.max_pool2d((drawn > 0).float(), factor), scale_factor=factor)


def _targets(
    faces: Sequence[TargetFace | tuple[Tensor, Identity | None]], prompt: str | Sequence[str]
) -> list[TargetFace]:
    if isinstance(prompt, str):
        prompt = [prompt_for(prompt, number) for number in range(len(faces))]
    if len(prompt) != len(faces):
        raise ConfigError(
            f"there are {len(prompt)} prompts for {len(faces)} faces: give one, or one per face"
        )
    targets = [face if isinstance(face, TargetFace) else TargetFace(*face) for face in faces]
    return [
        replace(face, prompt=face.prompt or text)
        for face, text in zip(targets, prompt, strict=True)
    ]


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
def _conditions(
    backbone: Backbone, face: TargetFace, identities: Collection[Identity | None], negative: str
) -> tuple[Conditioning, Conditioning]:
    others = [identity for identity in identities if identity is not None]
    prompt = face_prompt(face.prompt, face.identity, others)
    # The LoRA is the U-Net's alone: strength 0 checks the identity and yields its words.
    with _applied(backbone, face.identity, 0.0) as words:
        return _encoded(backbone, [prompt, negative], words)


def _mixture(
    backbone: Backbone,
    face: TargetFace,
    negative: str,
    alone: Callable[[], AbstractContextManager[object]],
) -> Mixture | None:
    edit = face.edit
    if edit is None or edit.amount == 0:
        return None
    both = _encoded(backbone, [edit.prompt, negative])
    return Mixture(*both, edit.amount, edit.handover, alone)


@torch.no_grad()
def _encoded(
    backbone: Backbone, prompts: Sequence[str], words: Words | None = None
) -> tuple[Conditioning, Conditioning]:
    both = backbone.text.encode(prompts, words)
    rows = torch.arange(2, device=both.context.device)
    return both.select(rows[:1]), both.select(rows[1:])
