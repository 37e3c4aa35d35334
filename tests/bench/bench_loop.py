"""A training step of FaceA against a plain diffusers-style step, interleaved in one run.

    python tests/bench/bench_loop.py [--px 128] [--batch 4] [--blocks 5] [--steps 3] [--json FILE]

Contenders, each on the same model, examples, draws and start, so that their losses must agree:

- `plain`: what diffusers' example scripts do per step: both pictures through the VAE, one prompt
  encoded per item, peft with autocast off, AdamW as it comes, and `.item()`.
- `plain+cache`: the same with the latents computed before the loop.
- `facea`: `train_identity`.

A step is measured from one call of the U-Net to the next one. The contenders take turns in blocks
of a few steps, so that a change in the machine's speed reaches all of them. Prints a table and one
line of JSON; exits with 1 if the losses differ or `plain` does not take `--require` times as long
as `facea`. On a CPU one thread is used and its own seconds decide, for they do not depend on what
else the machine is doing; elsewhere the wall clock does.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time

import torch
from torch import Tensor, nn

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone, latent_mask, masked_image
from facea_core.backbone.load import move
from facea_core.identity.adapters import lora
from facea_core.identity.words import learnable_words, named_parameters
from facea_core.tiny.model import random_backbone
from facea_core.tiny.painter import paint, sample_people, sample_scenes
from facea_core.training import TrainConfig, train_identity
from facea_core.training.cache import build_cache, crop_example
from facea_core.training.tasks import task_prompts
from facea_core.types import Box, FaceAttributes, Part, Photo

GATE = 1e-3
"""How far two contenders' losses at the same step may be apart, relative."""


@dataclass(frozen=True)
class Block:
    """A few steps of one contender: seconds of each, its losses, and calls of the VAE per step."""

    wall: list[float]
    cpu: list[float]
    losses: list[float]
    vae_calls: float


def painted_photos(count: int, size: int) -> list[Photo]:
    random = torch.Generator().manual_seed(0)
    people = sample_people(1, random).expand(count, -1)
    painting = paint(people, sample_scenes(count, random), size)
    photos = []
    for i, boxes in enumerate(painting.boxes):
        parts = [Part(k, Box(*boxes[k]), 1.0) for k in ("eyes", "nose", "mouth") if k in boxes]
        found = FaceAttributes((size, size), Box(*boxes["face"]), 1.0, tuple(parts))
        photos.append(Photo(painting.image[i : i + 1], found, name=f"painting {i}"))
    return photos


def facea(photos: Sequence[Photo], backbone: Backbone, config: TrainConfig) -> list[float]:
    losses: list[float] = []
    train_identity(photos, backbone, config, on_step=lambda report: losses.append(report.loss))
    return losses


def plain(
    photos: Sequence[Photo], backbone: Backbone, config: TrainConfig, cached: bool = False
) -> list[float]:
    """The same training written as diffusers' example scripts are."""
    table = attribute_table(config.attributes)
    prompts = task_prompts(config, "person", "person", table)
    generator = torch.Generator().manual_seed(config.seed)
    state = generator.get_state()
    cache = build_cache(photos, backbone, table, config, generator)
    # The same crops and holes as pictures: draw them again from the same state.
    again = torch.Generator()
    again.set_state(state)
    pictures: list[tuple[Tensor, Tensor]] = []
    for photo in photos:
        for variant in range(config.variants):
            jitter = again if variant else None
            image, holes = crop_example(photo, backbone, table, config, jitter)
            pictures += [(image, hole) for hole in holes.values()]

    words = learnable_words(backbone, "person", table)
    losses = []
    with lora(backbone.unet, config.rank, config.targets, generator=generator) as weights:
        learned = list(named_parameters(words).values())
        optimiser = torch.optim.AdamW(
            [
                {"params": learned, "lr": config.words_rate, "weight_decay": 0.0},
                {"params": weights.values(), "lr": config.lora_rate},
            ],
            weight_decay=config.weight_decay,
        )
        for _ in range(config.steps):
            draw = cache.draw(config, generator)
            rows = draw.rows.tolist()
            if cached:
                latent, mask, masked = cache.gather(draw.rows, draw.noise[1:])
            else:
                image = torch.cat([pictures[row][0] for row in rows]).to(backbone.device)
                hole = torch.cat([pictures[row][1] for row in rows]).to(backbone.device)
                latent = backbone.encode_image(image).mean.float()
                masked = backbone.encode_image(masked_image(image, hole)).mean.float()
                mask = latent_mask(hole, backbone.spec.latent_factor)
            noisy = backbone.add_noise(latent, draw.noise[0], draw.timestep)
            texts = [prompts[i] for i in draw.prompts.tolist()]
            conditioning = backbone.encode_prompts(texts, words)
            output = backbone.predict(noisy, draw.timestep, conditioning, mask, masked).float()
            target = backbone.target(latent, draw.noise[0], draw.timestep)
            error = ((output - target) ** 2 * mask).sum((1, 2, 3))
            loss = (error / (mask.sum((1, 2, 3)) * output.shape[1])).mean()
            loss.backward()
            nn.utils.clip_grad_norm_([*learned, *weights.values()], config.clip)
            optimiser.step()
            optimiser.zero_grad()
            losses.append(loss.item())
    return losses


@dataclass(frozen=True)
class Moment:
    """When the U-Net was called, by both clocks, and how often the VAE had been called by then."""

    wall: float
    cpu: float
    encodes: int


@contextmanager
def watched(backbone: Backbone) -> Iterator[list[Moment]]:
    moments: list[Moment] = []
    encodes = 0

    def unet_called(*_: object) -> None:
        if backbone.device.type == "cuda":
            torch.cuda.synchronize()
        moments.append(Moment(perf_counter(), process_time(), encodes))

    def vae_called(*_: object) -> None:
        nonlocal encodes
        encodes += 1

    handles = [
        backbone.unet.register_forward_pre_hook(unet_called),
        backbone.vae.encoder.register_forward_pre_hook(vae_called),
    ]
    try:
        yield moments
    finally:
        for handle in handles:
            handle.remove()


def measure(run: Callable[[], list[float]], backbone: Backbone) -> Block:
    with watched(backbone) as moments:
        losses = run()
    steps = list(pairwise(moments))
    return Block(
        wall=[b.wall - a.wall for a, b in steps],
        cpu=[b.cpu - a.cpu for a, b in steps],
        losses=losses,
        vae_calls=sum(b.encodes - a.encodes for a, b in steps) / len(steps),
    )


def summary(blocks: Sequence[Block], clock: str) -> dict[str, float]:
    # The first step of a block also warms up what the other contenders have displaced.
    seconds = [s for block in blocks for s in getattr(block, clock)[1:]]
    tenths = quantiles(seconds, n=10, method="inclusive")
    return {
        "median_ms": 1000 * median(seconds),
        "p10_ms": 1000 * tenths[0],
        "p90_ms": 1000 * tenths[-1],
        "wall_median_ms": 1000 * median(s for block in blocks for s in block.wall[1:]),
        "steps": len(seconds),
        "vae_calls_per_step": blocks[0].vae_calls,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--px", type=int, default=128, help="side of the pictures")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--blocks", type=int, default=5, help="turns of each contender")
    parser.add_argument("--steps", type=int, default=3, help="measured steps per turn")
    parser.add_argument("--targets", default="attention", choices=("attention", "wide"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--require", type=float, default=1.3, help="least ratio plain / facea")
    parser.add_argument("--json", type=Path, help="write the JSON here as well")
    options = parser.parse_args()

    on_cpu = options.device == "cpu"
    if on_cpu:
        torch.set_num_threads(1)
    backbone = move(random_backbone(0), options.device, torch.float32)
    backbone = replace(backbone, spec=replace(backbone.spec, resolution=options.px))
    # Few examples: a step takes as long with many, and only the set-up would grow.
    photos = painted_photos(1, options.px)
    config = TrainConfig(
        attributes="male", batch=options.batch, targets=options.targets, variants=2,
        steps=options.steps + 2, report_every=1000, save_every=1000,
    )  # fmt: skip
    # facea reports a mean over the run unless asked for each step, which is not what is timed.
    told = facea(photos, backbone, replace(config, report_every=1))
    contenders: dict[str, Callable[[], list[float]]] = {
        "plain": lambda: plain(photos, backbone, config),
        "plain+cache": lambda: plain(photos, backbone, config, cached=True),
        "facea": lambda: facea(photos, backbone, config),
    }
    blocks: dict[str, list[Block]] = {name: [] for name in contenders}
    for _ in range(options.blocks):
        for name, run in contenders.items():
            blocks[name].append(measure(run, backbone))

    losses = {name: blocks[name][0].losses for name in ("plain", "plain+cache")}
    apart = max(
        abs(a - b) / abs(a) for mine in losses.values() for a, b in zip(told, mine, strict=True)
    )
    rows = {name: summary(block, "cpu" if on_cpu else "wall") for name, block in blocks.items()}
    ratio = rows["plain"]["median_ms"] / rows["facea"]["median_ms"]
    result = {
        "contenders": rows,
        "plain/facea": ratio,
        "plain+cache/facea": rows["plain+cache"]["median_ms"] / rows["facea"]["median_ms"],
        "largest_relative_loss_difference": apart,
        "losses_agree": apart < GATE,
        "config": {k: getattr(options, k) for k in ("px", "batch", "targets", "device")},
        "clock": "processor seconds" if on_cpu else "wall clock",
        "machine": {"torch": torch.__version__, "threads": torch.get_num_threads()},
        "python": platform.python_version(),
        "train_config": asdict(config),
    }
    out = sys.stdout.write
    out(f"milliseconds per step, {result['clock']}, {rows['facea']['steps']} steps each\n")
    out(f"{'contender':<12} {'median':>8} {'p10':>8} {'p90':>8} {'VAE/step':>9} {'speed':>7}\n")
    for name, row in rows.items():
        speed = rows["plain"]["median_ms"] / row["median_ms"]
        out(
            f"{name:<12} {row['median_ms']:>8.1f} {row['p10_ms']:>8.1f} {row['p90_ms']:>8.1f} "
            f"{row['vae_calls_per_step']:>9.1f} {speed:>6.2f}x\n"
        )
    out(f"largest relative difference of losses {apart:.1e} (gate {GATE:g})\n")
    out(json.dumps(result) + "\n")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if result["losses_agree"] and ratio >= options.require else 1


if __name__ == "__main__":
    sys.exit(main())
