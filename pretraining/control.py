"""Pre-training of facea-tiny-control: a ControlNet (2302.05543) that is shown lines of a face."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from diffusers import ControlNetModel
from torch import Tensor, nn
from tqdm import tqdm

from facea_core.backbone import Backbone, latent_mask, masked_image
from facea_core.backbone.control import empty_control, without_embedding
from facea_core.backbone.spec import TINY
from facea_core.masks import EXPONENT
from facea_core.seeds import seeded
from facea_core.synthetic import render
from facea_core.synthetic.parameters import POSE, SCENE

from .captions import caption, describe_pool
from .dataset import FEATURES, HEAD, draw_pool, edges_of, inpaint_masks
from .denoiser import OUTSIDE_WEIGHT
from .latents import BATCH, FEATURE_WEIGHT, GPU_BATCH, painted, stitched
from .train import Loss, Piece, worker

RATE = 1.5e-3
ITEMS, DRAWS = 16, 2
"""Of a batch, and how many of them share a hint, whose embedding is half of the work on a CPU."""
_POSE = [SCENE.index(name) for name in POSE]
SHOWN = torch.tensor([0.95, 0.5, 0.9, 0.9, 0.9, 0.9])
"""How often a hint has the lines of each of PARTS."""
EMPTY, BOXES, BACKDROP, SINGLE = 0.06, 0.25, 0.5, 0.12
"""Shares of hints without a line, with ellipses in boxes, with edges of the backdrop; of samples
whose mask covers one part."""
_UNSEEN = 0xC0_0000
CONTRAST = 0.06
"""Between neighbouring pixels, from which there is an edge."""


@dataclass(frozen=True, eq=False)
class Hinted:
    """N samples. `hint (N, 1, 128, 128)` uint8; latents in float16: `clean (N, 4, 16, 16)`,
    `masked` as large, `mask` and `weight (N, 1, 16, 16)`; `context (N, 48, 128)` in float16.

    The masks are generous and another head may have been where they are, in another pose: where
    the face is, and how it looks, only the hint says.
    """

    hint: Tensor
    clean: Tensor
    masked: Tensor
    mask: Tensor
    weight: Tensor
    context: Tensor

    def __len__(self) -> int:
        return len(self.clean)


def start_control(backbone: Backbone) -> ControlNetModel:
    """The encoder of the U-Net, with a hint that says nothing yet."""
    unet, network = backbone.unet, empty_control(TINY)
    for name in ("time_embedding", "down_blocks", "mid_block"):
        network.get_submodule(name).load_state_dict(unet.get_submodule(name).state_dict())
    with torch.no_grad():
        network.conv_in.weight.copy_(unet.conv_in.weight[:, : TINY.spec.latent_channels])
        network.conv_in.bias.copy_(unet.conv_in.bias)  # type: ignore[arg-type]
    embedding = network.controlnet_cond_embedding
    for conv in (embedding.conv_in, *embedding.blocks):
        # Few pixels of a hint are lit: with the usual start nothing of them would come through.
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")  # type: ignore[arg-type]
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return network


@torch.no_grad()
def encode_hints(count: int, seed: int, backbone: Backbone, piece: Piece) -> Hinted:
    """Paint `count` people once each, draw their lines, and encode what the networks will see."""
    generator, rng = seeded(seed), random.Random(seed)
    people, scenes = draw_pool(count, 1, seed)
    others = render.sample_people(count, generator)
    around = scenes.clone()
    moved = torch.rand(count, generator=generator) < 0.7
    around[:, _POSE] = torch.where(
        moved[:, None], render.sample_scenes(count, generator)[:, _POSE], around[:, _POSE]
    )
    said = describe_pool(people, scenes)
    rows: list[tuple[Tensor, ...]] = []
    few = BATCH if torch.device(piece.device).type == "cpu" else GPU_BATCH
    for start in tqdm(range(0, count, few), desc="hints", unit=f"x{few}"):
        index = torch.arange(start, min(start + few, count))
        image, masks = painted(people[index], scenes[index], piece.device)
        host, host_masks = painted(others[index], around[index], piece.device)
        part = torch.full((len(index),), HEAD)
        mask = torch.maximum(
            inpaint_masks(masks, part, generator), inpaint_masks(host_masks, part, generator)
        )
        own = (torch.rand(len(index), generator=generator) < 0.3).view(-1, 1, 1, 1).to(mask.device)
        mixed = torch.where(own, image, stitched(image, host, mask, generator))
        single = torch.rand(len(index), generator=generator) < SINGLE
        some = torch.randint(1, masks.shape[1], (int(single.sum()),), generator=generator)
        mask[single] = inpaint_masks(masks[single], some, generator)
        part[single] = some
        mixed[single] = image[single]
        hint = draw_hints(mixed, masks, generator)
        features = F.max_pool2d(masks[:, FEATURES].amax(1, keepdim=True), TINY.spec.latent_factor)
        pairs = zip(index.tolist(), part.tolist(), strict=True)
        prompts = [caption(said[i], covered, rng) for i, covered in pairs]
        kept = (
            backbone.encode_image(mixed).mean,
            backbone.encode_image(masked_image(mixed, mask)).mean,
            latent_mask(mask),
            1 + (FEATURE_WEIGHT - 1) * features,
            backbone.text.encode(prompts).context,
        )
        rows.append(((hint * 255).byte().cpu(), *(one.half().cpu() for one in kept)))
    return Hinted(*(torch.cat(column) for column in zip(*rows, strict=True)))


def draw_hints(image: Tensor, masks: Tensor, draw: torch.Generator) -> Tensor:
    """Lines `(B, 1, H, W)` in [0, 1] of the parts `masks (B, parts, H, W)` of `image (B, 3, H, W)`.

    About 2 pixels wide, some thinner, thicker, softer or a pixel away; parts are left out at
    random. Half of them have the edges of what is round the head too.
    """
    count, device = len(masks), masks.device
    chance = torch.rand(5, count, 1, 1, 1, generator=draw).to(device)
    solid = (masks > 0.5).float()
    wider, narrower = _grown(solid), 1 - _grown(1 - solid)
    lines = wider - narrower
    lines = torch.where(chance[0] < 0.15, solid - narrower, lines)
    lines = torch.where(chance[0] > 0.85, _grown(wider) - narrower, lines)
    lines = torch.where(chance[1] < BOXES, _ellipses(solid), lines)
    for part in range(masks.shape[1]):
        if torch.rand((), generator=draw) < 0.3:
            down, right = torch.randint(-1, 2, (2,), generator=draw).tolist()
            lines[:, part] = F.pad(lines[:, part], (right, -right, down, -down))
    shown = torch.rand(count, masks.shape[1], generator=draw) < SHOWN
    hint = (lines * shown.view(count, -1, 1, 1).to(device)).amax(dim=1, keepdim=True)
    grey, head = image.mean(dim=1, keepdim=True), _grown(solid[:, :2].amax(dim=1, keepdim=True))
    contrast = torch.maximum(
        F.pad((grey[..., 1:] - grey[..., :-1]).abs(), (0, 1)),
        F.pad((grey[..., 1:, :] - grey[..., :-1, :]).abs(), (0, 0, 0, 1)),
    )
    behind = (contrast > CONTRAST).float() * (1 - head)
    hint = torch.where(chance[2] < BACKDROP, torch.maximum(hint, behind), hint)
    soft = F.avg_pool2d(hint, 3, 1, 1) * 1.5
    hint = torch.where(chance[3] < 0.3, soft.clamp(max=1), hint)
    return hint * (chance[4] >= EMPTY)


def control_loss(network: ControlNetModel, backbone: Backbone, data: Hinted, piece: Piece) -> Loss:
    """The loss of the denoiser, whose U-Net, frozen, adds what the network says."""
    rank, workers = worker()
    device, batch = backbone.device, piece.batch or ITEMS
    unet, control = piece.compile(backbone.unet), piece.compile(without_embedding(network))
    embed = piece.compile(network.controlnet_cond_embedding.forward)

    def loss(draw: torch.Generator) -> Tensor:
        chosen = torch.randint(len(data), (batch // DRAWS,), generator=draw)
        index = chosen.repeat(DRAWS)  # far apart in the schedule
        latent, masked, mask, worth, context = (
            rows[index].to(device).float()
            for rows in (data.clean, data.masked, data.mask, data.weight, data.context)
        )
        hint = embed((data.hint[chosen].to(device).float() / 255).expand(-1, 3, -1, -1))
        noise = torch.randn(latent.shape, generator=draw).to(device)
        spread = torch.arange(batch) * workers + rank + torch.rand(batch, generator=draw)
        timestep = (spread / (batch * workers) * 1000).long().clamp(max=999).to(device)
        noisy = backbone.add_noise(latent, noise, timestep)
        down, middle = control(
            noisy, timestep, encoder_hidden_states=context,
            controlnet_cond=hint.repeat(DRAWS, 1, 1, 1), return_dict=False,
        )  # fmt: skip
        output = unet(
            torch.cat([noisy, mask, masked], dim=1), timestep, encoder_hidden_states=context,
            down_block_additional_residuals=down, mid_block_additional_residual=middle,
            return_dict=False,
        )[0]  # fmt: skip
        error = (output - backbone.target(latent, noise, timestep)).square()
        weight = worth * (mask + OUTSIDE_WEIGHT * (1 - mask))
        return (error * weight).sum() / (weight.sum() * error.shape[1])

    return loss


@torch.no_grad()
def score_control(
    network: ControlNetModel, backbone: Backbone, piece: Piece, count: int = 64
) -> dict[str, float]:
    """The loss on people never seen, with their hints and with empty ones."""
    data = encode_hints(count, _UNSEEN, backbone, piece)
    empty = replace(data, hint=torch.zeros_like(data.hint))
    return {
        name: float(torch.stack([loss(seeded(i)) for i in range(8)]).mean())
        for name, loss in (
            ("loss_hinted", control_loss(network, backbone, data, piece)),
            ("loss_unhinted", control_loss(network, backbone, empty, piece)),
        )
    }


def _grown(solid: Tensor) -> Tensor:
    return F.max_pool2d(solid, 3, stride=1, padding=1)


def _ellipses(solid: Tensor) -> Tensor:
    """Lines 2 pixels wide of the rounded shape in the box of each mask, as `facea_core.masks`."""
    count, parts, height, width = solid.shape
    y0, y1, x0, x1 = (
        edge.view(count, parts, 1, 1) for edge in edges_of(solid.view(-1, 1, height, width) > 0)
    )
    line = torch.arange(width, device=solid.device) + 0.5
    rx, ry = ((x1 - x0) / 2).clamp(min=0.5), ((y1 - y0) / 2).clamp(min=0.5)
    x = (line - (x0 + x1) / 2).abs() / rx
    y = (line.view(-1, 1) - (y0 + y1) / 2).abs() / ry
    radius = (x.pow(EXPONENT) + y.pow(EXPONENT)).pow(1 / EXPONENT)
    drawn = ((radius - 1).abs() * torch.minimum(rx, ry) < 1).float()
    return drawn * (solid.flatten(2).amax(dim=2).view(count, parts, 1, 1))
