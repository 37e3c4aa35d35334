"""Ways to change an identity file that no other file has: its names, tensors and metadata."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from facea_core.io.tensor_files import SEAL, checksum

from .changes import DEEP, LONG, Change, Source, about_changed, odd, packed, with_about

META = "facea.meta"
NAMES = (
    "../../../outside", "/tmp/x", "eve", "ADA", "", "con", "nul", "com1", "-rank", "a" * 65,
    "ada\n", "ada/eyes", "аda", "a" * 100_000, 5, None, ["ada"],
)  # fmt: skip
FORMATS = (
    "²", "¹", "①", "⒈", "1²", "٣", "9" * 4301, "9" * 100, "-1", "1.0", " 1", "1 ", "0", "2", "01",
)  # fmt: skip


def other_names(random: Random, source: Source) -> bytes:
    """Names and placeholders together, as somebody would who knows how files are made."""
    about, name = source.about(), random.choice(NAMES)
    about["name"] = name if random.random() < 0.5 else about["name"]
    for word in about["words"]:
        if random.random() < 0.7:
            word["placeholder"] = f"{name}/{word['attribute']}" if random.random() < 0.7 else name
    header, keys = source.header(), {w["attribute"]: w["placeholder"] for w in about["words"]}
    renamed = {}
    for key, entry in header.items():
        part = key.rpartition(".")[0].rpartition("/")[2]
        to = keys.get(part) if key.startswith("bundle_emb.") else None
        renamed[f"bundle_emb.{to}.{key.rpartition('.')[2]}" if to is not None else key] = entry
    renamed["__metadata__"][META] = json.dumps(about)
    renamed["__metadata__"].pop(SEAL, None)
    return packed(json.dumps(renamed).encode(), source.body)


def other_tensors(random: Random, source: Source) -> bytes:
    """A whole file whose tensors have other shapes, types or values; no checksum, or a new one."""
    tensors = load(source.data)
    metadata = source.header()["__metadata__"]
    for _ in range(random.choice((1, 1, 2, 3))):
        key = random.choice(list(tensors))
        tensor, kind = tensors[key], random.randrange(8)
        if kind == 0:
            shape = [random.choice((0, 1, 2, side, side + 1)) for side in tensor.shape]
            tensor = torch.ones(shape or [random.randrange(3)])
        elif kind == 1:
            dtypes = (torch.float16, torch.bfloat16, torch.float64, torch.int32, torch.complex64)
            tensor = tensor.to(random.choice(dtypes))
        elif kind == 2:
            value = random.choice((math.nan, math.inf, -math.inf, 1e38, 0.0, -1.0))
            tensor = torch.full_like(tensor, value)
        elif kind == 3:
            tensor = tensor.flatten() if random.random() < 0.5 else tensor[None]
        elif kind == 4:
            # Too large for float32.
            tensor = torch.full(tensor.shape, 1e300, dtype=torch.float64)
        elif kind == 5:
            tensors.pop(key)
            continue
        elif kind == 6:
            tensors[random.choice(("lora_te_x.alpha", "x", f"{key}.more"))] = tensor.clone()
        else:
            numbers = torch.Generator().manual_seed(random.randrange(1 << 32))
            tensor = torch.randn(tensor.shape, generator=numbers)
        tensors[key] = tensor.contiguous()
    return _saved(random, tensors, metadata)


def rank_of_nothing(random: Random, source: Source) -> bytes:
    """All layers, and what is said of them, at another rank: at 0 too."""
    tensors, about = load(source.data), source.about()
    rank = random.choice((0, 0, 1, 3))
    for key, tensor in tensors.items():
        if key.endswith("lora_down.weight"):
            tensors[key] = torch.ones(rank, *tensor.shape[1:])
        elif key.endswith("lora_up.weight"):
            tensors[key] = torch.ones(tensor.shape[0], rank, *tensor.shape[2:])
    if random.random() < 0.7:
        about["training"]["rank"] = rank
    metadata = {**source.header()["__metadata__"], META: json.dumps(about)}
    return _saved(random, tensors, metadata)


def half_of_it(random: Random, source: Source) -> bytes:
    """Without words, or without layers, in the metadata and among the tensors alike."""
    tensors, about = load(source.data), source.about()
    gone, prefix = random.choice((("words", "bundle_emb."), ("layers", "lora_unet_")))
    about[gone] = []
    tensors = {key: value for key, value in tensors.items() if not key.startswith(prefix)}
    metadata = {**source.header()["__metadata__"], META: json.dumps(about)}
    return _saved(random, tensors, metadata)


def twice(random: Random, source: Source) -> bytes:
    """A word or a layer is named two times."""
    about = source.about()
    part = about[random.choice(("words", "layers"))]
    part.insert(random.randrange(len(part)), random.choice(part))
    return with_about(random, source, about, "dropped")


def other_format(random: Random, source: Source) -> bytes:
    header = source.header()
    header["__metadata__"]["facea.format"] = random.choice(FORMATS)
    return packed(json.dumps(header).encode(), source.body)


def training_changed(random: Random, source: Source) -> bytes:
    about = source.about()
    about["training"][random.choice(list(about["training"]))] = odd(random)
    if DEEP in str(about) or LONG in str(about):
        about["training"]["config"] = {"steps": random.choice((DEEP, LONG))}
    return with_about(random, source, about, "dropped")


def hole(random: Random, source: Source) -> bytes:
    """A tensor that would be gigabytes, of which the file has nothing."""
    header, size = source.header(), len(source.body)
    count = random.choice((1 << 31, 1 << 40, 1 << 62))
    kind, width = random.choice((("F32", 4), ("F8_E4M3", 1), ("F64", 8)))
    header[random.choice(("zz", *list(header)[1:2]))] = {
        "dtype": kind, "shape": [count // width], "data_offsets": [size, size + count],
    }  # fmt: skip
    return packed(json.dumps(header).encode(), source.body)


def _saved(random: Random, tensors: dict[str, Any], metadata: dict[str, str]) -> bytes:
    metadata = dict(metadata)
    metadata.pop(SEAL, None)
    if random.random() < 0.5:
        try:
            metadata[SEAL] = checksum(tensors, metadata[META])
        except (RuntimeError, TypeError):
            metadata.pop(SEAL, None)
    try:
        return save(tensors, metadata)
    except (SafetensorError, RuntimeError, KeyError):
        return b""


OWN: dict[str, Change] = {
    "text changed, no checksum": lambda r, s: about_changed(r, s, "dropped"),
    "other names": other_names,
    "other tensors": other_tensors,
    "another rank": rank_of_nothing,
    "no words or no layers": half_of_it,
    "named twice": twice,
    "other format": other_format,
    "training changed": training_changed,
    "a hole": hole,
}
"""Those of identities alone, by name."""
