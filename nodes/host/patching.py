"""A person put into clones of MODEL and CLIP; what was wired stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import comfy.lora
import comfy.utils
import torch
from torch import Tensor

from ...facea_core import identity as identities
from ...facea_core.errors import BackboneMismatchError, ConfigError
from ...facea_core.types import Identity, Word
from .carried import same, sign, strengths
from .models import spec_of

_WORDS = "facea_words"
_FALLBACK = "facea_fallback"


def with_lora(model: Any, identity: Identity, strength: float) -> tuple[Any, float]:
    """A clone of MODEL with the person's LoRA added, and how strongly it has it now, all told.

    Twice at 0.5 is once at 1. Raises BackboneMismatchError for another family, or a layer that the
    model lacks, ConfigError if the model has another training of that name.
    """
    patches, held = held_patches(model, identity)
    return _added(model, patches, held, dict.fromkeys(patches, strength))


def painting_model(model: Any, identity: Identity, strength: float) -> tuple[Any, float]:
    """A clone of MODEL that paints the person, and how strongly it has the LoRA.

    Where a loader or a merge put the LoRA in already, `strength` is a factor on that; else the LoRA
    is added at this strength. Raises as `with_lora` does.
    """
    patches, held = held_patches(model, identity)
    if any(held.values()):
        return _added(model, patches, held, {key: h * (strength - 1) for key, h in held.items()})
    return _added(model, patches, held, dict.fromkeys(patches, strength))


def held_patches(model: Any, identity: Identity) -> tuple[dict[str, Any], dict[str, float]]:
    """The patches of the identity, all of which have their place, and how MODEL holds each.

    Raises as `with_lora` does.
    """
    identities.check_family(identity, spec_of(model).family)
    patches, missing = _patches(model, identity)
    if missing:
        raise BackboneMismatchError(
            f"identity {identity.name!r} adapts {len(missing)} layers that this model does not "
            f"have, {missing[0]!r} first; load the model it was trained on"
        )
    sign(patches, identity.name)
    return patches, strengths(model, patches, identity.name)


def _added(
    model: Any, patches: Mapping[str, Any], held: Mapping[str, float], more: Mapping[str, float]
) -> tuple[Any, float]:
    total = max((held[key] + more[key] for key in patches), key=abs, default=0.0)
    if not any(more.values()):
        return model, total
    clone = model.clone()
    alike: dict[float, dict[str, Any]] = {}
    for key, patch in patches.items():
        strength, entries = more[key], clone.patches.get(key)
        if entries and entries[-1][2:] == (1.0, None, None) and same(entries[-1][1], patch):
            # One patch of the sum: the same bytes as from one loader at that strength.
            strength += entries.pop()[0]
        alike.setdefault(strength, {})[key] = patch
    for strength, some in alike.items():
        clone.add_patches(some, strength)
    return clone, total


def lora_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a LoRA file, as ComfyUI's LORA_MODEL."""
    return comfy.utils.load_torch_file(str(path), safe_load=True)


def load_report(identity: Identity, model: Any = None, clip: Any = None) -> dict[str, Any]:
    """What of the identity finds its place in MODEL and in CLIP, where they are wired."""
    report = {}
    if model is not None:
        _, missing = _patches(model, identity)
        total = len(identity.lora)
        report["layers"] = {"loaded": total - len(missing), "of": total, "missing": missing}
    if clip is not None:
        readable = [word.placeholder for word in identity.words if _fits(clip, word)]
        report["words"] = {"readable": readable, "of": len(identity.words)}
    return report


def _patches(model: Any, identity: Identity) -> tuple[dict[str, Any], list[str]]:
    """ComfyUI's patches for the identity's LoRA, and the layers that found no place."""
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    tensors = {
        k: v for k, v in identities.identity_tensors(identity).items() if k.startswith("lora_unet_")
    }
    weights = model.model.state_dict()
    fitting, missing = {}, []
    for name in sorted({key.split(".")[0] for key in tensors}):
        up, down = tensors[f"{name}.lora_up.weight"], tensors[f"{name}.lora_down.weight"]
        weight = weights.get(names.get(name, ""))
        if weight is None or weight.shape[0] != up.shape[0] or weight[0].numel() != down[0].numel():
            missing.append(name)
        else:
            fitting[name] = names[name]
    return comfy.lora.load_lora(tensors, fitting, log_missing=False), missing


def with_words(clip: Any, identity: Identity, strength: float | None = None) -> Any:
    """A clone of CLIP whose prompts know `embedding:<name>/<attribute>` of this person.

    `strength` leads from the plain class word (0) to the learned one (1) and beyond; None = as the
    person is in CLIP already, else 1. Other people's words stay. Raises BackboneMismatchError for
    text encoders of another width, ConfigError if another person of that name is in already.
    """
    clone = clip.clone()
    clone.tokenizer = copy.copy(clip.tokenizer)
    encoders = {encoder for word in identity.words for encoder in word.vectors}
    for encoder in sorted(encoders):
        if not all(_fits(clip, word) for word in identity.words):
            raise BackboneMismatchError(
                f"the words of {identity.name!r} were trained for another text encoder than the "
                f"wired CLIP; use the CLIP of a {identity.meta.family!r} checkpoint"
            )
        inner = copy.copy(getattr(clip.tokenizer, encoder))
        known = dict(_known(inner))
        for word in identity.words:
            learned = word.vectors[encoder]
            before = known.get(word.placeholder)
            if before is not None and not torch.equal(before[0], learned):
                raise ConfigError(
                    f"two different people are named {identity.name!r}; train one under another "
                    "name, or wire only one of them"
                )
            if before is None or strength is not None:
                at = 1.0 if strength is None else strength
                known[word.placeholder] = learned, _scaled(clip, encoder, word, at)
        # Without a folder of embeddings ComfyUI would not look for any word, and fail if asked to.
        inner.embedding_directory = inner.embedding_directory or []
        fallback = getattr(inner, _FALLBACK, inner._try_get_embedding)
        setattr(inner, _WORDS, known)
        setattr(inner, _FALLBACK, fallback)
        inner._try_get_embedding = lambda name, k=known, f=fallback: look_up(name, k, f)
        setattr(clone.tokenizer, encoder, inner)
    return clone


def clip_vocabularies(clip: Any, identity: Identity) -> dict[str, identities.Vocabulary]:
    """The words of CLIP's text encoders that the identity's words are for."""
    found = {}
    for encoder in {encoder for word in identity.words for encoder in word.vectors}:
        if all(_fits(clip, word) for word in identity.words):
            found[encoder] = _vocabulary(clip, encoder)
    return found


def _vocabulary(clip: Any, encoder: str) -> identities.Vocabulary:
    table = getattr(clip.cond_stage_model, encoder).transformer.get_input_embeddings().weight
    return identities.Vocabulary(getattr(clip.tokenizer, encoder).tokenizer, table)


def _fits(clip: Any, word: Word) -> bool:
    """Whether every text encoder of the word is in CLIP and has its width."""
    tokenizers = {name: getattr(clip.tokenizer, name, None) for name in word.vectors}
    return all(
        getattr(tokenizers[name], "embedding_size", None) == rows.shape[-1]
        for name, rows in word.vectors.items()
    )


def wired_words(clip: Any) -> list[str]:
    """The placeholders of all identities put into CLIP by `with_words`."""
    return sorted({word for one in vars(clip.tokenizer).values() for word in _known(one)})


def _known(tokenizer: Any) -> Mapping[str, tuple[Tensor, Tensor]]:
    """placeholder -> (learned rows, rows in use) of one tokenizer."""
    return getattr(tokenizer, _WORDS, {})


def look_up(
    name: str, known: Mapping[str, tuple[Tensor, Tensor]], fallback: Any
) -> tuple[Any, ...]:
    """What ComfyUI's own look-up, `fallback`, would say if the known words were files.

    (rows, what is left of the text), since v0.28.0 (rows, name, what is left): as it says itself. A
    folder of words would be the public way, but of two folders ComfyUI takes either.
    """
    first, _, rest = name.strip().partition(" ")
    word = first.rstrip(",")
    said = fallback(name)
    if word not in known:
        return said
    _, *between, _ = said
    return (known[word][1], *(word for _ in between), f"{first[len(word) :]} {rest}".strip())


def _scaled(clip: Any, encoder: str, word: Word, strength: float) -> Tensor:
    rows = word.vectors[encoder]
    if strength == 1:
        return rows
    known = _vocabulary(clip, encoder)
    tokens = known.tokens(word.initializer)
    start = identities.initial_rows(tokens, known.table, len(rows)).cpu()
    return torch.lerp(start, rows, strength)
