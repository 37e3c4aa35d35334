"""LoRA on a U-Net: put in for training, merged for painting, and always taken out again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..errors import BackboneMismatchError, ConfigError
from ..types import Identity, LoraWeights

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer

    from ..backbone import Backbone

_ATTENTION = r"attn[12]\.(to_q|to_k|to_v|to_out\.0)"
_FEED_FORWARD = r"ff\.net\.(0\.proj|2)"
_CONVOLUTION = r"(conv1|conv2|conv_shortcut|proj_in|proj_out)"

TARGETS: Mapping[str, str] = {
    "attention": rf".*\.{_ATTENTION}",
    "wide": rf".*\.({_ATTENTION}|{_FEED_FORWARD}|{_CONVOLUTION})",
}
"""Preset -> what a layer's whole dotted path in the U-Net must match."""

_ADAPTER = "facea"


@contextmanager
def lora(
    unet: nn.Module,
    rank: int,
    targets: str = "attention",
    *,
    generator: torch.Generator | None = None,
) -> Iterator[dict[str, nn.Parameter]]:
    """Give the U-Net a trainable LoRA; yields `{"<layer>.lora_down" / ".lora_up": parameter}`.

    The parameters are float32 whatever the U-Net's dtype, `lora_up` is zero, so nothing changes
    until it is trained, and `lora_down` is drawn from `generator` on the CPU. Delta = up @ down *
    alpha / rank with alpha = rank (LoRA, 2106.09685). `targets` is a key of `TARGETS`. On the way
    out, also after an exception, every module, flag and tensor is as it was.
    """
    from peft import LoraConfig, inject_adapter_in_model  # slow to import, and only needed here

    before = set(vars(unet))
    trainable = {parameter: parameter.requires_grad for parameter in unet.parameters()}
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS[targets])
    try:
        # peft draws initial values from the global random state, which is the caller's.
        with torch.random.fork_rng(devices=[]):
            inject_adapter_in_model(config, unet, _ADAPTER)
        parameters = {}
        for path, layer in _layers(unet):
            down, up = _pair(layer)
            drawn = torch.empty(down.shape)
            nn.init.kaiming_uniform_(drawn, a=math.sqrt(5), generator=generator)
            with torch.no_grad():
                down.copy_(drawn)
            parameters |= {f"{path}.lora_down": down, f"{path}.lora_up": up}
        yield parameters
    finally:
        for path, layer in _layers(unet):
            parent, _, name = path.rpartition(".")
            setattr(unet.get_submodule(parent), name, layer.get_base_layer())
        for name in set(vars(unet)) - before:
            delattr(unet, name)
        for parameter, flag in trainable.items():
            parameter.requires_grad_(flag)


def extract(unet: nn.Module) -> dict[str, LoraWeights]:
    """The LoRA that `lora` put in, by layer path, as float32 copies on the CPU."""
    found = {}
    for path, layer in _layers(unet):
        down, up = (_copy(parameter) for parameter in _pair(layer))
        found[path] = LoraWeights(down, up, alpha=float(layer.lora_alpha[_ADAPTER]))
    return found


@contextmanager
def apply_identity(
    backbone: Backbone, identity: Identity | Sequence[Identity], strength: float = 1.0
) -> Iterator[dict[str, dict[str, Tensor]]]:
    """Merge the identity's LoRA into the U-Net; yields the words for `Backbone.encode_prompts`.

    `strength` scales the LoRA, not the words; 0 leaves the U-Net alone. Several identities are
    summed: to keep people apart, apply one at a time. On the way out, also after an exception, the
    layers hold their own weight tensors again. Raises `BackboneMismatchError` for another family or
    layers that do not fit, `ConfigError` for two identities of the same name.
    """
    identities = identity if isinstance(identity, Sequence) else (identity,)
    for one in identities:
        check_fits(one, backbone)
    words: dict[str, dict[str, Tensor]] = {}
    originals: dict[str, nn.Parameter] = {}
    try:
        for one in identities:
            for word in one.words:
                if word.placeholder in words:
                    raise ConfigError(
                        f"two identities are named {one.name!r}; train one under another name"
                    )
                words[word.placeholder] = {
                    name: vectors.to(backbone.device) for name, vectors in word.vectors.items()
                }
            for path, weights in one.lora.items() if strength else ():
                layer = backbone.unet.get_submodule(path)
                originals.setdefault(path, layer.weight)  # type: ignore[arg-type]
                layer.weight = _merged(layer.weight, weights, strength)  # type: ignore[arg-type]
        yield words
    finally:
        for path, weight in originals.items():
            backbone.unet.get_submodule(path).weight = weight


def check_fits(identity: Identity, backbone: Backbone) -> None:
    """Raise `BackboneMismatchError` unless the identity was trained for this kind of backbone."""
    check_family(identity, backbone.spec.family)
    shapes = {path: tuple(weight.shape) for path, weight in _weights(backbone.unet)}
    for path, weights in identity.lora.items():
        down, up = weights.down, weights.up
        wanted = (up.shape[0], *down.shape[1:])
        if shapes.get(path) != wanted:
            raise BackboneMismatchError(
                f"identity {identity.name!r} adapts layer {path!r} of shape {wanted}, the loaded "
                f"model has {shapes.get(path, 'no such layer')}; load the model it was trained on"
            )
    for word in identity.words:
        widths = {name: vectors.shape[-1] for name, vectors in word.vectors.items()}
        if widths != dict(backbone.spec.widths):
            raise BackboneMismatchError(
                f"word {word.placeholder!r} has widths {widths}, the loaded model's text encoders "
                f"have {dict(backbone.spec.widths)}; load the model it was trained on"
            )


def check_family(identity: Identity, family: str) -> None:
    """Raise `BackboneMismatchError` unless the identity was trained on this model family."""
    trained = identity.meta.family
    if family != trained:
        raise BackboneMismatchError(
            f"identity {identity.name!r} was trained on {trained!r}, the loaded model is "
            f"{family!r}; load a {trained!r} model, or train the person again on this one"
        )


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Eval mode and no gradients for the modules' own parameters; both are put back afterwards."""
    trainable = {p: p.requires_grad for module in modules for p in module.parameters()}
    training = {m: m.training for module in modules for m in module.modules()}
    try:
        for module in modules:
            module.eval().requires_grad_(False)
        yield
    finally:
        for parameter, flag in trainable.items():
            parameter.requires_grad_(flag)
        for module, flag in training.items():
            module.training = flag


def _layers(unet: nn.Module) -> list[tuple[str, LoraLayer]]:
    from peft.tuners.lora import LoraLayer

    return [(path, m) for path, m in unet.named_modules() if isinstance(m, LoraLayer)]


def _pair(layer: LoraLayer) -> tuple[nn.Parameter, nn.Parameter]:
    # peft makes them in the layer's own dtype.
    down, up = layer.lora_A[_ADAPTER].float().weight, layer.lora_B[_ADAPTER].float().weight
    assert isinstance(down, nn.Parameter)
    assert isinstance(up, nn.Parameter)
    return down, up


def _weights(unet: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for path, module in unet.named_modules():
        if isinstance(weight := getattr(module, "weight", None), Tensor):
            yield path, weight


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float32, copy=True).contiguous()


def _merged(weight: Tensor, lora: LoraWeights, strength: float) -> nn.Parameter:
    down, up = lora.down.to(weight.device), lora.up.to(weight.device)
    delta = (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
    merged = weight.float() + delta * (strength * lora.alpha / down.shape[0])
    return nn.Parameter(merged.to(weight.dtype), requires_grad=False)
