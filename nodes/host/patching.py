"""A person put into clones of MODEL and CLIP; what was wired stays as it is."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import comfy.lora
import comfy.sd1_clip
import folder_paths
import torch
from torch import Tensor

from ...facea_core.errors import BackboneMismatchError, ConfigError
from ...facea_core.identity import check_family, export_words, identity_tensors, initial_rows
from ...facea_core.types import Identity, Word
from .models import spec_of

_CARRIED = "facea_identities"
_WORDS = "facea_words"
_OWN = "facea-words"
"""The folder of words in use, among ComfyUI's temporary files."""


def with_lora(model: Any, identity: Identity | None, strength: float) -> Any:
    """A clone of MODEL with the person's LoRA; MODEL itself for nobody, or if it has it already.

    Raises BackboneMismatchError for another family, or a layer that the model lacks.
    """
    carried = model.attachments.get(_CARRIED, ())
    if identity is None or identity.name in carried:
        return model
    check_family(identity, spec_of(model).family)
    patches, missing = _patches(model, identity)
    if missing:
        raise BackboneMismatchError(
            f"identity {identity.name!r} adapts {len(missing)} layers that this model does not "
            f"have, {missing[0]!r} first; load the model it was trained on"
        )
    clone = model.clone()
    clone.add_patches(patches, strength)
    clone.set_attachments(_CARRIED, (*carried, identity.name))
    return clone


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
    tensors = {k: v for k, v in identity_tensors(identity).items() if k.startswith("lora_unet_")}
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


def with_words(clip: Any, identity: Identity, strength: float = 1.0) -> Any:
    """A clone of CLIP whose prompts know `embedding:<name>/<attribute>` of this person.

    `strength` leads from the plain class word (0) to the learned one (1) and beyond. The words of
    people put in before stay, also this person's own. They are files in a folder of their own,
    where ComfyUI looks first: the one way to hand it a word that its versions agree on. Raises
    BackboneMismatchError for text encoders of another width, ConfigError if another person of that
    name is in already, AssetError if the folder cannot be written.
    """
    if not all(_fits(clip, word) for word in identity.words):
        raise BackboneMismatchError(
            f"the words of {identity.name!r} were trained for another text encoder than the "
            f"wired CLIP; use the CLIP of a {identity.meta.family!r} checkpoint"
        )
    clone = clip.clone()
    clone.tokenizer = copy.copy(clip.tokenizer)
    known = {word: rows for one in _tokenizers(clip).values() for word, rows in _known(one).items()}
    fresh = []
    for word in identity.words:
        if word.placeholder not in known:
            known[word.placeholder] = word.vectors
            fresh.append(word)
        elif not _same(known[word.placeholder], word.vectors):
            raise ConfigError(
                f"two different people are named {identity.name!r}; train one under another "
                "name, or wire only one of them"
            )
    if not fresh:
        return clone
    folder = _folder_of([_scaled(clip, word, strength) for word in fresh])
    for name in fresh[0].vectors:
        inner = copy.copy(getattr(clip.tokenizer, name))
        before = inner.embedding_directory or []
        before = [before] if isinstance(before, str) else before
        inner.embedding_directory = [str(folder), *before]
        setattr(inner, _WORDS, known)
        setattr(clone.tokenizer, name, inner)
    return clone


def missing_words(clip: Any, words: Sequence[str]) -> list[str]:
    """Those that `embedding:<word>` would not find, in a folder of words or a wired identity."""
    tokenizers = list(_tokenizers(clip).values())[:1]
    return [
        word for one in tokenizers for word in words
        if one.embedding_directory is None
        or comfy.sd1_clip.load_embed(word, one.embedding_directory, one.embedding_size) is None
    ]  # fmt: skip


def _tokenizers(clip: Any) -> dict[str, Any]:
    """Those of a CLIP that read words from files, by the names of their text encoders."""
    return {k: v for k, v in vars(clip.tokenizer).items() if hasattr(v, "embedding_directory")}


def _fits(clip: Any, word: Word) -> bool:
    """Whether every text encoder of the word is in CLIP and has its width."""
    tokenizers = {name: getattr(clip.tokenizer, name, None) for name in word.vectors}
    return all(
        getattr(tokenizers[name], "embedding_size", None) == rows.shape[-1]
        for name, rows in word.vectors.items()
    )


def wired_words(clip: Any) -> list[str]:
    """The placeholders of everybody put into CLIP by `with_words`."""
    return sorted({word for one in _tokenizers(clip).values() for word in _known(one)})


def _known(tokenizer: Any) -> Mapping[str, Mapping[str, Tensor]]:
    """placeholder -> rows as they were learned, by text encoder."""
    return getattr(tokenizer, _WORDS, {})


def _same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(rows, b[name]) for name, rows in a.items())


def _folder_of(words: Sequence[Word]) -> Path:
    """Where these words lie as files: among ComfyUI's temporary ones, the same for the same words.

    It may have been tidied away since, so they are written each time.
    """
    digest = hashlib.sha256()
    for word in words:
        for encoder, rows in sorted(word.vectors.items()):
            digest.update(f"{word.placeholder} {encoder} {tuple(rows.shape)}".encode())
            digest.update(rows.float().contiguous().numpy().tobytes())
    folder = Path(folder_paths.get_temp_directory()) / _OWN / digest.hexdigest()[:16]
    export_words(words, folder)
    return folder


def _scaled(clip: Any, word: Word, strength: float) -> Word:
    if strength == 1:
        return word
    vectors = {}
    for encoder, rows in word.vectors.items():
        tokenizer = getattr(clip.tokenizer, encoder).tokenizer
        tokens = tokenizer.encode(word.initializer, add_special_tokens=False)
        table = getattr(clip.cond_stage_model, encoder).transformer.get_input_embeddings().weight
        vectors[encoder] = torch.lerp(initial_rows(tokens, table, len(rows)).cpu(), rows, strength)
    return replace(word, vectors=vectors)
