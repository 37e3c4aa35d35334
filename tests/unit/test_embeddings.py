"""Words in files of their own, in a folder that belongs to the user."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from facea_core.attributes import attribute_table
from facea_core.errors import AssetError
from facea_core.identity import check_words_free, export_words
from facea_core.types import Identity, IdentityMeta, LoraWeights, Word

TABLE = attribute_table("eyes, hair")


def make(seed: int = 0) -> Identity:
    random = torch.Generator().manual_seed(seed)
    words = tuple(
        Word(
            f"ada/{name}", name, name,
            {encoder: torch.randn(1, 8, generator=random) for encoder in ("clip_l", "clip_g")},
        )
        for name in ("eyes", "hair")
    )  # fmt: skip
    lora = {"mid.attn1.to_q": LoraWeights(torch.ones(1, 4), torch.ones(4, 1), 1.0)}
    return Identity("ada", words, lora, IdentityMeta("sd15", "", "woman", "", 1, 0, 1))


def test_exported_words_lie_where_their_prompts_name_them(tmp_path: Path):
    identity = make()
    paths = export_words(identity, tmp_path)
    assert paths == (tmp_path / "ada/eyes.safetensors", tmp_path / "ada/hair.safetensors")
    stored = load_file(paths[1])
    assert stored.keys() == {"clip_l", "clip_g"}
    assert all(torch.equal(stored[e], identity.words[1].vectors[e]) for e in stored)
    before = paths[0].read_bytes()
    export_words(identity, tmp_path)
    assert paths[0].read_bytes() == before


def test_another_training_takes_the_place_of_its_own_words(tmp_path: Path):
    export_words(make(0), tmp_path)
    check_words_free("ada", TABLE, tmp_path)
    (eyes, _) = export_words(make(1), tmp_path)
    assert torch.equal(load_file(eyes)["clip_l"], make(1).words[0].vectors["clip_l"])


def test_words_of_earlier_versions_are_known_by_their_rows(tmp_path: Path):
    """They have no mark."""
    (tmp_path / "ada").mkdir()
    for word in make(0).words:
        save_file(dict(word.vectors), tmp_path / f"{word.placeholder}.safetensors")
    with pytest.raises(AssetError, match="did not write"):
        export_words(make(1), tmp_path)
    check_words_free("ada", TABLE, tmp_path, [make(2), make(0)])
    export_words(make(1), tmp_path, [make(2), make(0)])
    check_words_free("ada", TABLE, tmp_path)


@pytest.mark.parametrize("kind", ["embedding", "no safetensors", "folder", "dangling link"])
def test_a_file_of_the_user_is_never_written_over(tmp_path: Path, kind: str):
    path = tmp_path / "ada" / "hair.safetensors"
    path.parent.mkdir()
    if kind == "embedding":
        save_file({"clip_l": torch.ones(1, 8), "clip_g": torch.ones(1, 8)}, path)
    elif kind == "no safetensors":
        path.write_bytes(b"mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    before = path.read_bytes() if path.is_file() else None
    for act in (
        lambda: check_words_free("ada", TABLE, tmp_path),
        lambda: export_words(make(), tmp_path, [make(1)]),
    ):
        with pytest.raises(AssetError, match=r"hair\.safetensors is in the way.*save_words off"):
            act()
    assert sorted(file.name for file in path.parent.iterdir()) == ["hair.safetensors"]
    assert before is None or path.read_bytes() == before


@pytest.mark.parametrize("away", ["../outside/startup", "ada/../../startup", "/startup"])
def test_nothing_is_written_outside_of_the_folder(tmp_path: Path, away: str):
    placeholder = str(tmp_path / "startup") if away == "/startup" else away
    identity = make()
    identity = replace(identity, words=(replace(identity.words[0], placeholder=placeholder),))
    folder = tmp_path / "models" / "embeddings"
    with pytest.raises(AssetError, match="outside"):
        export_words(identity, folder)
    assert list(tmp_path.iterdir()) == []
