"""Training loops as others write them: our own re-implementations, for comparison only.

`diffusers_style` follows diffusers 58eb52c0 (examples/dreambooth/train_dreambooth_lora.py and
examples/research_projects/dreambooth_inpaint), `kohya_style` kohya-ss/sd-scripts 48d368fa
(train_network.py, networks/lora.py). Both train FaceA's task: its words, prompts, masks, draws and
loss, so that their losses can be compared. Where they differ from upstream, it is to their
advantage: pictures lie ready as tensors, draws on the device, words are rows of their own instead
of a whole token table. Weights are bfloat16 under autocast and the LoRA float32, both as upstream;
the U-Net is diffusers' in both, with its scaled dot product attention.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import unset_fake_temporarily

from facea_core.backbone import latent_mask, masked_image
from facea_core.errors import MissingDependencyError
from facea_core.identity.adapters import frozen
from facea_core.identity.targets import TARGETS
from facea_core.identity.words import by_placeholder
from facea_core.seeds import seeded
from facea_core.training.losses import region_loss
from facea_core.training.optimiser import rate_factor

from .autocast import autocast
from .task import Task

Step = Callable[[int], Tensor]
"""The whole of one of the task's steps, by its number; returns its loss `()`, on the device."""
Latents = Callable[[int], tuple[Tensor, Tensor, Tensor]]

ATTENTION = r".*attn[12]\.(to_[qkv]|to_out\.0)"
TRANSFORMERS = r".*attentions\.\d+\..*(to_[qkv]|to_out\.0|proj_in|proj_out|ff\.net\.(0\.proj|2))"
"""kohya adapts every linear layer and 1x1 convolution inside the U-Net's transformers."""


@contextmanager
def diffusers_style(task: Task, *, cached: bool = False) -> Iterator[Step]:
    """peft, and unless `cached` both pictures through the autoencoder in each step.

    Raises `MissingDependencyError` without peft.
    """
    latents = _cached(task) if cached else _encoded(task)
    with _ready(task), _peft(task) as adapters:
        yield _step(task, adapters, latents)


@contextmanager
def kohya_style(task: Task, *, targets: str = TRANSFORMERS) -> Iterator[Step]:
    """A branch beside each layer whose `forward` it takes the place of; latents from a cache."""
    with _ready(task), _branches(task, targets) as adapters:
        yield _step(task, adapters, _cached(task))


def _step(task: Task, adapters: Mapping[str, nn.Parameter], latents: Latents) -> Step:
    backbone, config = task.backbone, task.config
    words = {k: nn.Parameter(v.to(backbone.device, copy=True)) for k, v in task.words.items()}
    learned, weights = list(words.values()), list(adapters.values())
    optimiser = torch.optim.AdamW(
        [
            {"params": learned, "lr": config.embedding_lr, "weight_decay": 0.0},
            {"params": weights, "lr": config.lora_lr},
        ],
        weight_decay=config.weight_decay,
    )

    def step(number: int) -> Tensor:
        draw = task.draws[number]
        latent, mask, masked = latents(number)
        noisy = backbone.add_noise(latent, draw.noise[0], draw.timestep)
        with autocast(backbone.device, backbone.dtype):
            conditioning = backbone.text.encode(task.texts[number], by_placeholder(words))
            output = backbone.predict(noisy, draw.timestep, conditioning, mask, masked)
        target = backbone.target(latent, draw.noise[0], draw.timestep)
        loss = region_loss(output.float(), target, mask, config.background_weight).mean()
        loss.backward()
        _clip([*learned, *weights], config.clip)
        factor = rate_factor(number, config)
        for group, rate in zip(
            optimiser.param_groups, (config.embedding_lr, config.lora_lr), strict=True
        ):
            group["lr"] = factor * rate
        optimiser.step()
        optimiser.zero_grad()
        return loss.detach()

    return step


def _clip(parameters: Sequence[nn.Parameter], limit: float) -> None:
    """`clip_grad_norm_` as it is on CUDA, on every device: for all gradients at once."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (limit / (norm + 1e-6)).clamp(max=1.0))


def _encoded(task: Task) -> Latents:
    backbone = task.backbone

    def latents(number: int) -> tuple[Tensor, Tensor, Tensor]:
        draw = task.draws[number]
        rows = [task.pictures[row] for row in task.rows[number]]
        image = torch.cat([image for image, _ in rows]).to(backbone.device)
        inpaint_mask = torch.cat([mask for _, mask in rows]).to(backbone.device)
        clean = backbone.encode_image(image)
        masked = backbone.encode_image(masked_image(image, inpaint_mask))
        noise = draw.noise[1:] if len(draw.noise) > 1 else (None, None)
        mask = latent_mask(inpaint_mask, backbone.spec.latent_factor)
        return clean.sample(noise[0]).float(), mask, masked.sample(noise[1]).float()

    return latents


def _cached(task: Task) -> Latents:
    return lambda number: task.cache.gather(task.draws[number].rows, task.draws[number].noise[1:])


@contextmanager
def _ready(task: Task) -> Iterator[None]:
    backbone = task.backbone
    with frozen(*backbone.modules):
        yield


@contextmanager
def _peft(task: Task) -> Iterator[dict[str, nn.Parameter]]:
    try:
        from peft import LoraConfig, inject_adapter_in_model
        from peft.tuners.lora import LoraLayer
    except ImportError as error:
        raise MissingDependencyError(
            "the diffusers-style loop needs peft; run: pip install peft"
        ) from error
    unet: Any = task.backbone.unet
    before = set(vars(unet))
    rank = task.config.rank
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS[task.config.targets])
    layers = []
    try:
        # Without values, for they come with the task; and peft cannot make fake tensors.
        with unset_fake_temporarily():
            inject_adapter_in_model(config, unet, low_cpu_mem_usage=True)
        layers = [(path, m) for path, m in unet.named_modules() if isinstance(m, LoraLayer)]
        adapters = {}
        for path, layer in layers:
            adapters |= _start(task, path, layer.lora_A["default"], layer.lora_B["default"])
        yield adapters
    finally:
        for path, layer in layers:
            parent, _, name = path.rpartition(".")
            setattr(unet.get_submodule(parent), name, layer.get_base_layer())
        for name in set(vars(unet)) - before:
            delattr(unet, name)


class _Branch(nn.Module):
    """LoRA beside a layer, as two modules and a forward that calls them."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int) -> None:
        super().__init__()
        inside, out = layer.weight.shape[1], layer.weight.shape[0]
        make: Any = nn.Linear if isinstance(layer, nn.Linear) else partial(nn.Conv2d, kernel_size=1)
        self.down = make(inside, rank, bias=False, device="meta")
        self.up = make(rank, out, bias=False, device="meta")
        self.multiplier, self.scale = 1.0, 1.0
        self.plain = layer.forward

    def forward(self, x: Tensor) -> Tensor:
        return self.plain(x) + self.up(self.down(x)) * self.multiplier * self.scale


@contextmanager
def _branches(task: Task, targets: str) -> Iterator[dict[str, nn.Parameter]]:
    layers: dict[str, Any] = {
        path: module
        for path, module in task.backbone.unet.named_modules()
        if isinstance(module, (nn.Linear, nn.Conv2d)) and re.fullmatch(targets, path)
    }
    try:
        adapters = {}
        for path, layer in layers.items():
            branch = _Branch(layer, task.config.rank)
            adapters |= _start(task, path, branch.down, branch.up)
            layer.forward = branch.forward
        yield adapters
    finally:
        for layer in layers.values():
            vars(layer).pop("forward", None)


def _start(task: Task, path: str, down: Any, up: Any) -> dict[str, nn.Parameter]:
    """Give a pair of layers the float32 values that all contenders start from; returns them."""
    found = {}
    for name, layer in (("lora_down", down), ("lora_up", up)):
        value = task.lora.get(f"{path}.{name}")
        if value is None:  # a layer that only this contender adapts
            shape = layer.weight.shape
            value = torch.zeros(shape)
            if name == "lora_down":
                generator = seeded(task.config.seed)
                value.normal_(0, shape[1] ** -0.5, generator=generator)
        parameter = nn.Parameter(value.to(task.backbone.device, copy=True))
        layer.weight = parameter
        found[f"{path}.{name}"] = parameter
    return found
