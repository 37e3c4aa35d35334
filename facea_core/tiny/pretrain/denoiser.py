"""Pre-training of the 9-channel U-Net and its text encoder on encoded, painted pictures."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from ...backbone import Backbone, latent_mask, masked_image
from .autoencoder import NarrowAutoencoder
from .captions import Description, caption
from .dataset import HEAD, Pool, holes

BATCH = 64
RATE = 1e-3
OUTSIDE_WEIGHT = 0.2


@dataclass(frozen=True, eq=False)
class Encoded:
    """Latents of N pictures, float16: `clean (N, 4, 16, 16)`; `masked (N, 2, 4, 16, 16)` and `hole
    (N, 2, 1, 16, 16)` for a hole over the head or face and one over a single part; `part (N, 2)`.
    """

    clean: Tensor
    masked: Tensor
    hole: Tensor
    part: Tensor


@torch.no_grad()
def encode_pool(pool: Pool, model: NarrowAutoencoder, seed: int, device: str) -> Encoded:
    generator = torch.Generator().manual_seed(seed)
    count = len(pool)
    whole = torch.where(torch.rand(count, generator=generator) < 0.85, HEAD, 0)
    single = torch.randint(1, pool.masks.shape[1], (count,), generator=generator)
    part = torch.stack([whole, single], dim=1)
    rows: list[list[Tensor]] = [[], [], []]
    for start in tqdm(range(0, count, BATCH), desc="encode", unit=f"x{BATCH}"):
        index = torch.arange(start, min(start + BATCH, count))
        image, masks = pool.batch(index, device)
        rows[0].append(model.encode(image).half().cpu())
        pair = [holes(masks, part[index, k].to(device), generator) for k in range(2)]
        rows[1].append(
            torch.stack([model.encode(masked_image(image, h)) for h in pair], 1).half().cpu()
        )
        rows[2].append(torch.stack([latent_mask(h) for h in pair], 1).half().cpu())
    clean, masked, hole = (torch.cat(r) for r in rows)
    return Encoded(clean, masked, hole, part)


def train_denoiser(
    backbone: Backbone,
    descriptions: Sequence[Description],
    data: Encoded,
    steps: int,
    seed: int,
    run: Path,
    *,
    save_every: int = 250,
) -> None:
    """Train `backbone.unet` and its text encoder in place; ends with their moving averages in them.

    Every `save_every` steps the state goes to `run`, and a later call goes on from there.
    """
    device = backbone.device
    networks = nn.ModuleDict({"unet": backbone.unet, "text": backbone.text_encoders["clip_l"]})
    networks.requires_grad_(True).train()
    parameters = list(networks.parameters())
    average = torch.optim.swa_utils.AveragedModel(
        networks, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.01, fused=True)
    # Everything random in a step comes from its number, so going on needs no random state.
    first = _resume(run, networks, average, optimizer, parameters)
    bar = tqdm(range(first, steps), desc="denoiser", initial=first, total=steps)
    running = 0.0
    for step in bar:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        rng = random.Random(seed * 1_000_003 + step)
        for group in optimizer.param_groups:
            # Warm up, hold for 60 %, then fall to almost nothing.
            fall = max(0.03, 2.5 * (1 - step / steps))
            group["lr"] = RATE * min(1, (step + 1) / 100, fall)
        index = torch.randint(len(descriptions), (BATCH,), generator=generator)
        which = (torch.rand(BATCH, generator=generator) < 0.3).long()
        part = data.part[index, which].tolist()
        prompts = [
            caption(descriptions[i], p, rng) for i, p in zip(index.tolist(), part, strict=True)
        ]
        latent = data.clean[index].to(device).float()
        masked = data.masked[index, which].to(device).float()
        hole = data.hole[index, which].to(device).float()
        noise = torch.randn(latent.shape, generator=generator).to(device)
        # Stratified: each batch covers the whole schedule evenly.
        spread = (torch.arange(BATCH) + torch.rand(BATCH, generator=generator)) / BATCH
        timestep = (spread * 1000).long().clamp(max=999).to(device)

        noisy = backbone.add_noise(latent, noise, timestep)
        output = backbone.predict(noisy, timestep, backbone.encode_prompts(prompts), hole, masked)
        error = (output - backbone.target(latent, noise, timestep)).square()
        weight = hole + OUTSIDE_WEIGHT * (1 - hole)
        loss = (error * weight).sum() / (weight.sum() * error.shape[1])
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update_parameters(networks)

        running = loss.item() if step == first else 0.98 * running + 0.02 * loss.item()
        bar.set_postfix(loss=f"{running:.4f}")
        if (step + 1) % save_every == 0 or step + 1 == steps:
            _save(run, step + 1, networks, average, optimizer, parameters)
    networks.load_state_dict(average.module.state_dict())
    networks.requires_grad_(False).eval()


def _save(run, step, networks, average, optimizer, parameters) -> None:
    state = {f"raw.{k}": v for k, v in networks.state_dict().items()}
    state |= {f"average.{k}": v for k, v in average.module.state_dict().items()}
    for i, parameter in enumerate(parameters):
        moments = optimizer.state[parameter]
        state |= {f"first.{i}": moments["exp_avg"], f"second.{i}": moments["exp_avg_sq"]}
    partial = run / "denoiser.partial"
    save_file({k: v.contiguous().cpu() for k, v in state.items()}, partial, {"step": str(step)})
    partial.replace(run / "denoiser.safetensors")
    (run / "denoiser.step").write_text(str(step))


def _resume(run, networks, average, optimizer, parameters) -> int:
    path = run / "denoiser.safetensors"
    if not path.exists():
        return 0
    step = int((run / "denoiser.step").read_text())
    state = load_file(path, device=str(next(networks.parameters()).device))
    networks.load_state_dict({k[4:]: v for k, v in state.items() if k.startswith("raw.")})
    average.module.load_state_dict({k[8:]: v for k, v in state.items() if k.startswith("average.")})
    average.n_averaged.fill_(step)
    for i, parameter in enumerate(parameters):
        optimizer.state[parameter] = {
            "step": torch.tensor(float(step), device=parameter.device),
            "exp_avg": state[f"first.{i}"],
            "exp_avg_sq": state[f"second.{i}"],
        }
    return step
