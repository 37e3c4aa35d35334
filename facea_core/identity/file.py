"""The identity file: LoRA, words and metadata in one safetensors that stock ComfyUI reads.

LoRA tensors carry kohya's names, the only ones that ComfyUI maps onto a U-Net's attention; words
carry OneTrainer's `bundle_emb.` names. Equal identities give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from ..errors import AssetError, IdentityFormatError
from ..io.files import atomic_path
from ..io.tensor_files import check_seal, read_tensors, sealed
from ..types import Identity, LoraWeights, Word
from .metadata import META, file_metadata
from .mixing import check_whole
from .opened import bad_alpha, not_finite, opened_identity
from .stated import Stated, counts, lora_keys, word_key


def save_identity(identity: Identity, path: str | Path) -> str:
    """Write the file, read it back, and say "N/N keys, M/M words".

    The file appears complete and verified or not at all. Raises `AssetError` if it cannot be
    written or does not read back as it was written, `ConfigError` for a mix by parts, which is
    several people's and no one LoRA.
    """
    check_whole(identity)
    path = Path(path)
    tensors = identity_tensors(identity)
    with atomic_path(path) as temporary:
        temporary.write_bytes(sealed(tensors, file_metadata(identity), META))
        back = identity_tensors(load_identity(temporary))
        same = [key for key in tensors if key in back and torch.equal(tensors[key], back[key])]
        keys, words = counts(tensors)
        keys_back, words_back = counts(same)
        if len(same) < len(tensors) or len(back) != len(tensors):
            raise AssetError(
                f"{path} did not read back as written ({keys_back}/{keys} keys, "
                f"{words_back}/{words} words); check the disk and save again"
            )
    return f"{keys_back}/{keys} keys, {words_back}/{words} words"


def load_identity(path: str | Path) -> Identity:
    """Read an identity; what it is comes from its keys and metadata, never from the file's name.

    Raises `AssetError` (no such file, no plain file, unreadable), `IdentityFormatError` (not
    safetensors, cut off, not an identity, tensors missing or damaged, a checksum that does not
    hold, or written by a newer version).
    """
    with opened_identity(path) as (file, header, stated):
        tensors = read_tensors(file, header)
        identity = _identity(stated, tensors)
        check_seal(header, tensors, META)
    return identity


def identities_of(folder: str | Path, name: str) -> Iterator[Identity]:
    """Every readable identity of that name in a folder, earlier trainings' among them."""
    for path in sorted(Path(folder).glob(f"{name}*.safetensors")):
        with suppress(AssetError, IdentityFormatError):
            if (identity := load_identity(path)).name == name:
                yield identity


def identity_tensors(identity: Identity) -> dict[str, Tensor]:
    """The identity under the names that files and ComfyUI use, float32 on the CPU."""
    out = {}
    for layer, weights in identity.lora.items():
        down, up, alpha = lora_keys(layer)
        out[down], out[up], out[alpha] = weights.down, weights.up, torch.tensor(weights.alpha)
    for word in identity.words:
        for encoder, vectors in word.vectors.items():
            out[word_key(word.placeholder, encoder)] = vectors
    return {key: value.detach().to("cpu", torch.float32).contiguous() for key, value in out.items()}


def _identity(stated: Stated, tensors: Mapping[str, Tensor]) -> Identity:
    """Raises ValueError for numbers that are none, in the files or after they became float32."""
    numbers = {key: tensor.float() for key, tensor in tensors.items()}
    for key, tensor in numbers.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(not_finite(key))
    words = tuple(
        Word(
            word.placeholder,
            word.attribute,
            word.initializer,
            {encoder: numbers[word_key(word.placeholder, encoder)] for encoder in word.encoders},
        )
        for word in stated.words
    )
    lora = {}
    for layer in stated.layers:
        down, up, alpha = (numbers[key] for key in lora_keys(layer))
        if alpha <= 0:
            raise ValueError(bad_alpha(layer, float(alpha)))
        lora[layer] = LoraWeights(down, up, float(alpha))
    return Identity(stated.name, words, lora, stated.meta)
