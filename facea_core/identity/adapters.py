"""Identities merged into a U-Net for painting, and taken out again; frozen modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from torch import Tensor, nn

from ..errors import BackboneMismatchError, ConfigError
from ..types import Identity, LoraWeights

if TYPE_CHECKING:
    from ..backbone import Backbone

RETIRED = frozenset(
    {
        "d4653a51323a844f", "ddd5039aeb00d88c", "6697a83316ddfadc", "84c0e81ad1890fef",
        "aa36f41be5106632", "5dd1f35304cd8479",
    }
)  # fmt: skip
"""Hashes of facea-tiny before each new training, the last also in bfloat16: nothing learned there
fits."""


@contextmanager
def apply_identity(
    backbone: Backbone, identity: Identity | Sequence[Identity], strength: float = 1.0
) -> Iterator[dict[str, dict[str, Tensor]]]:
    """Merge the identity's LoRA into the U-Net; yields the words for `TextEncoders.encode`.

    `strength` scales the LoRA, not the words; 0 leaves the U-Net alone. Several identities are
    summed: to keep them apart, apply one at a time. On the way out, also after an exception, the
    layers hold their own weight tensors again. Raises `BackboneMismatchError` for another family or
    layers that do not fit, `ConfigError` for two identities of the same name.
    """
    identities = identity if isinstance(identity, Sequence) else (identity,)
    for one in identities:
        check_fits(one, backbone)
    words: dict[str, dict[str, Tensor]] = {}
    with ExitStack() as merged:
        for one in identities:
            for word in one.words:
                if word.placeholder in words:
                    raise ConfigError(
                        f"two identities are named {one.name!r}; train one under another name"
                    )
                words[word.placeholder] = {
                    name: vectors.to(backbone.device) for name, vectors in word.vectors.items()
                }
            merged.enter_context(merged_lora(backbone.unet, one.lora, strength))
        yield words


@contextmanager
def merged_lora(
    unet: nn.Module, lora: Mapping[str, LoraWeights], strength: float = 1.0
) -> Iterator[None]:
    """Layers of a U-Net with a LoRA merged into them, on top of what is merged already.

    Strength 0 leaves the U-Net alone. On the way out, also after an exception, the layers hold
    their own weight tensors again.
    """
    weights = held(unet, lora if strength else ())
    merged = {path: _merged(weight, lora[path], strength) for path, weight in weights.items()}
    with holding(unet, merged):
        yield


def held(unet: nn.Module, paths: Iterable[str]) -> dict[str, nn.Parameter]:
    """The weights that these layers hold now."""
    return {path: unet.get_submodule(path).weight for path in paths}  # type: ignore[misc]


@contextmanager
def holding(unet: nn.Module, weights: Mapping[str, nn.Parameter]) -> Iterator[None]:
    """The layers hold these weights meanwhile, and their own again on the way out."""
    own = held(unet, weights)
    try:
        for path, weight in weights.items():
            unet.get_submodule(path).weight = weight
        yield
    finally:
        for path, weight in own.items():
            unet.get_submodule(path).weight = weight


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
    """Raise `BackboneMismatchError` unless the identity was trained on this model family.

    One that was trained on weights that the pack no longer ships is refused as well.
    """
    trained = identity.meta.family
    if identity.meta.backbone_hash in RETIRED:
        raise BackboneMismatchError(
            f"identity {identity.name!r} was trained on earlier weights of {trained!r} (hash "
            f"{identity.meta.backbone_hash}), which this version does not have; train the person "
            "again from the photos"
        )
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


def _weights(unet: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for path, module in unet.named_modules():
        if isinstance(weight := getattr(module, "weight", None), Tensor):
            yield path, weight


def _merged(weight: Tensor, lora: LoraWeights, strength: float) -> nn.Parameter:
    down, up = lora.down.to(weight.device), lora.up.to(weight.device)
    delta = (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
    merged = weight.float() + delta * (strength * lora.alpha / down.shape[0])
    return nn.Parameter(merged.to(weight.dtype), requires_grad=False)
