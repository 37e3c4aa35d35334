"""What a test reads of an identity file."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors import safe_open

from facea_core.types import Identity

LINEAR = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0"
CONV = "up_blocks.2.resnets.1.conv1"


def assert_equal(a: Identity, b: Identity) -> None:
    assert (a.name, asdict(a.meta)) == (b.name, asdict(b.meta))
    assert list(a.lora) == list(b.lora)
    for mine, other in zip(a.lora.values(), b.lora.values(), strict=True):
        assert torch.equal(mine.down, other.down)
        assert torch.equal(mine.up, other.up)
        assert mine.alpha == other.alpha
    assert len(a.words) == len(b.words)
    for mine, other in zip(a.words, b.words, strict=True):
        assert replace(mine, vectors={}).__dict__ == replace(other, vectors={}).__dict__
        assert mine.vectors.keys() == other.vectors.keys()
        assert all(torch.equal(mine.vectors[e], other.vectors[e]) for e in mine.vectors)


def metadata_of(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return file.metadata()


Change = Callable[[dict, dict], object]
