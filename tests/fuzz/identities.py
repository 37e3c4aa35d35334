"""Changed identities: refused, or exactly what the file says, and an identity in every part."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load

from facea_core.attributes import ATTRIBUTES, attribute_table
from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.errors import FaceAError
from facea_core.identity import (
    apply_identity,
    describe_identity,
    export_words,
    identity_tensors,
    learnable_words,
    load_identity,
    may_be_identity,
    peek_identity,
    save_identity,
)
from facea_core.identity.lora import lora
from facea_core.identity.words import finished_words
from facea_core.io.tensor_files import SEAL, checksum
from facea_core.types import Identity, IdentityMeta, LoraWeights

from .changes import CONTAINER, Source
from .identity_changes import META, OWN
from .tally import RIGHT, Tally, WrongError

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)[1-9]")


def make(backbone: Backbone) -> Identity:
    """A small real one."""
    table, random = attribute_table("male"), torch.Generator().manual_seed(0)
    with lora(backbone.unet, 2, "wide", generator=random) as adapter:
        learned = list(adapter.learned().items())
    layers = {
        path: LoraWeights(w.down, torch.randn(w.up.shape, generator=random), 2.0)
        for path, w in (learned[0], learned[1], learned[4], learned[5], learned[-1])
    }
    words = finished_words(learnable_words(backbone, "ada", table), table)
    prompt = "a photo of a man with embedding:ada/eyes embedding:ada/nose embedding:ada/mouth"
    meta = IdentityMeta(
        backbone.spec.family, backbone.hash, "man", prompt, 10, 3, 2, config={"steps": 10},
        scores={"training": 0.5}, tool_version="1", created="2026-01-01", origin="0" * 16,
    )  # fmt: skip
    return Identity("ada", words, layers, meta)


def fuzz(count: int, folder: Path, seed: int = 0) -> Tally:
    """What became of `count` changed identities, each by a seed of its own from `seed` on."""
    backbone, tally = random_backbone(0), Tally()
    path = folder / "good.safetensors"
    identity = make(backbone)
    save_identity(identity, path)
    source, kinds = Source(path.read_bytes(), META), {**CONTAINER, **OWN}
    for number in range(seed, seed + count):
        kind = list(kinds)[number % len(kinds)]
        data = kinds[kind](Random(number), source)
        tally.take(kind, number, lambda data=data: judge(data, identity, backbone, folder))
    return tally


def judge(data: bytes, good: Identity, backbone: Backbone, folder: Path) -> str:
    """RIGHT, or the FaceAError of whoever refuses the file; raises `WrongError` for a wrong one."""
    path = folder / "changed.safetensors"
    path.write_bytes(data)
    peeked = peek_identity(path)
    if peeked is not None and not may_be_identity(path) and b'"facea.' in data[:8192]:
        raise WrongError("an identity that does not begin like one")
    try:
        identity = load_identity(path)
    except FaceAError as error:
        if len(str(error)) > 1000:
            raise WrongError("an error of a thousand characters") from error
        raise
    if peeked is None:
        raise WrongError("a header that was refused, and a file that was not")
    for wrong in complaints(identity):
        raise WrongError(wrong)
    same = alike(identity, good)
    if not same:
        _check_said(data, identity)
        _use(identity, path, backbone, folder)
    return RIGHT


def alike(one: Identity, other: Identity) -> bool:
    mine, theirs = identity_tensors(one), identity_tensors(other)
    return (
        (one.name, asdict(one.meta)) == (other.name, asdict(other.meta))
        and list(mine) == list(theirs)
        and all(torch.equal(mine[key], theirs[key]) for key in mine)
        and [w.initializer for w in one.words] == [w.initializer for w in other.words]
    )


def complaints(identity: Identity) -> Iterator[str]:
    """What of it is no identity's, found out without the reader's own code."""
    name = identity.name
    if not isinstance(name, str) or not _PLAIN.fullmatch(name) or _DEVICE.fullmatch(name):
        yield "a name"
    if not identity.words or not identity.lora:
        yield "no words or no layers"
    widths = [{e: rows.shape[1:] for e, rows in w.vectors.items()} for w in identity.words]
    if any(width != widths[0] or not width for width in widths):
        yield "words of different widths"
    for word in identity.words:
        if word.attribute not in ATTRIBUTES or word.placeholder != f"{name}/{word.attribute}":
            yield "a placeholder"
        if not word.initializer.strip():
            yield "a class word"
        if any(rows.ndim != 2 or min(rows.shape) < 1 for rows in word.vectors.values()):
            yield "rows"
    for weights in identity.lora.values():
        down, up = weights.down, weights.up
        if down.ndim not in (2, 4) or up.ndim != down.ndim or min(*down.shape, *up.shape) < 1:
            yield "the shape of a LoRA"
        elif not down.shape[0] == up.shape[1] == identity.meta.rank:
            yield "a rank"
        if not (math.isfinite(weights.alpha) and weights.alpha > 0):
            yield "an alpha"
    for tensor in identity_tensors(identity).values():
        if tensor.dtype != torch.float32 or not torch.isfinite(tensor).all():
            yield "numbers"
    yield from _meta_complaints(identity.meta)


def _meta_complaints(meta: IdentityMeta) -> Iterator[str]:
    for field in fields(meta):
        value = getattr(meta, field.name)
        kind = str(field.type).partition("[")[0]
        wanted = {"str": str, "int": int, "Mapping": Mapping}[kind]
        if not isinstance(value, wanted) or isinstance(value, bool):
            yield f"the type of {field.name}"
        elif isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            yield f"half a letter in {field.name}"
        elif isinstance(value, int) and not 0 <= value < 2**64:
            yield f"the range of {field.name}"
    if any(type(score) not in (int, float) for score in meta.scores.values()):
        yield "a score"
    if any(isinstance(value, dict | list) for value in meta.config.values()):
        yield "a setting"
    json.dumps(asdict(meta))


def _check_said(data: bytes, identity: Identity) -> None:
    """A changed file that was read is one whose checksum holds or is gone, and is what it says."""
    tensors = load(data)
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    if SEAL in metadata and metadata[SEAL] != checksum(tensors, metadata[META]):
        raise WrongError("a checksum that does not hold")
    mine = identity_tensors(identity)
    if mine.keys() != tensors.keys():
        raise WrongError("other tensors than in the file")
    for key, tensor in tensors.items():
        if not torch.equal(mine[key], tensor.float()):
            raise WrongError("other numbers than in the file")


def _use(identity: Identity, path: Path, backbone: Backbone, folder: Path) -> None:
    json.dumps(describe_identity(path))
    words = folder / "words"
    for file in export_words(identity, words, [identity]):
        if words not in file.resolve().parents:
            raise WrongError("a word outside of its folder")
        file.unlink()
    save_identity(identity, folder / "again.safetensors")
    with apply_identity(backbone, identity):
        pass
