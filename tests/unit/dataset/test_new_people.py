"""New people on disk: the same again is the same, and nobody takes another's name."""

from pathlib import Path

import pytest
import torch

from facea_core.cli.work.new_people import write_newcomer
from facea_core.dataset.newcomers import Newcomer
from facea_core.errors import ConfigError
from facea_core.types import Box, FaceAttributes, Identity, IdentityMeta, LoraWeights, Photo, Word

FACE = FaceAttributes((32, 32), Box(8, 8, 24, 24), 1.0)
LAYER = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"


def newcomer(value: float) -> Newcomer:
    word = Word("new-0000/eyes", "eyes", "eyes", {"clip_l": torch.full((1, 8), value)})
    prompt = "a photo of embedding:new-0000/eyes"
    meta = IdentityMeta("facea-tiny", "0" * 16, "man", prompt, 1, 0, 4)
    photo = Photo(torch.full((1, 3, 32, 32), 0.5), FACE, "")
    lora = {LAYER: LoraWeights(torch.ones(4, 8), torch.ones(8, 4), 4.0)}
    identity = Identity("new-0000", (word,), lora, meta)
    return Newcomer(identity, "man", (photo,), ("ada", "ben"), 0.5, 0.1)


def contents(out: Path) -> dict[str, bytes]:
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def test_who_has_the_name_already_stays_and_is_told_of(tmp_path: Path):
    write_newcomer(tmp_path, newcomer(1.0))
    before = contents(tmp_path)
    assert set(before) == {
        "identities/new-0000.safetensors",
        *(f"people/new-0000/{name}" for name in ("0.png", "class.txt", "consent.txt")),
    }
    write_newcomer(tmp_path, newcomer(1.0))
    assert contents(tmp_path) == before
    with pytest.raises(ConfigError, match="is somebody else"):
        write_newcomer(tmp_path, newcomer(2.0))
    assert contents(tmp_path) == before
