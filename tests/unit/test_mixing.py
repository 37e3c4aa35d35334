"""Several people in one identity: what the text says, what a blend's numbers are, and its file."""

from dataclasses import replace

import pytest
import torch

from facea_core.errors import BackboneMismatchError, ConfigError
from facea_core.identity import (
    check_whole,
    describe_identity,
    everybody,
    load_identity,
    mix_people,
    save_identity,
)
from facea_core.identity.mixing import blend
from facea_core.types import Identity, IdentityMeta, LoraWeights, Word

LAYERS = {"attn.to_q": (6, 5), "conv": (6, 5, 3, 3)}


def person(name: str, rank: int = 3, words=("eyes", "mouth"), vectors: int = 1, **meta) -> Identity:
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    lora = {}
    for path, (out, *inner) in LAYERS.items():
        down = torch.randn(rank, *inner, generator=generator)
        up = torch.randn(out, rank, *[1] * (len(inner) - 1), generator=generator)
        lora[path] = LoraWeights(down, up, 2.0)
    learned = tuple(
        Word(f"{name}/{word}", word, word, {"clip_l": torch.randn(vectors, 8, generator=generator)})
        for word in words
    )
    about = {"family": "sd15", "backbone_hash": "b", "class_noun": "man", "prompt": name}
    return Identity(
        name, learned, lora, IdentityMeta(**{**about, "steps": 5, "seed": 1, "rank": rank, **meta})
    )


ADA, BEN, CLEO = person("ada"), person("ben", rank=2), person("cleo", words=("mouth", "nose"))


def delta(identity: Identity, path: str) -> torch.Tensor:
    """The change of a layer, flat: what the LoRA does."""
    one = identity.lora[path]
    return one.up.flatten(1) @ one.down.flatten(1) * (one.alpha / one.down.shape[0])


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.2, 0.8), (2, 6)])
def test_a_blend_changes_each_layer_by_the_weighted_sum(a: float, b: float):
    mixed = mix_people([ADA, BEN], f"ada: {a}, ben: {b}")
    share = a / (a + b)
    for path in LAYERS:
        wanted = share * delta(ADA, path) + (1 - share) * delta(BEN, path)
        assert torch.allclose(delta(mixed, path), wanted, atol=1e-5)
    for word in mixed.words:
        mine, theirs = ADA.word(word.attribute), BEN.word(word.attribute)
        wanted = share * mine.vectors["clip_l"] + (1 - share) * theirs.vectors["clip_l"]
        assert torch.allclose(word.vectors["clip_l"], wanted, atol=1e-6)


def test_a_blend_of_one_alone_is_that_one():
    mixed = mix_people([ADA, BEN], "ada: 1\nben: 0")
    assert mixed.meta.rank == ADA.meta.rank
    for path in LAYERS:
        assert torch.allclose(delta(mixed, path), delta(ADA, path), atol=1e-5)
    assert torch.equal(mixed.words[0].vectors["clip_l"], ADA.words[0].vectors["clip_l"])


def test_a_layer_that_one_person_left_alone_is_the_others_share():
    less = replace(BEN, lora={"conv": BEN.lora["conv"]})
    mixed = mix_people([ADA, less], "ada: 0.5, ben: 0.5")
    assert torch.allclose(delta(mixed, "attn.to_q"), 0.5 * delta(ADA, "attn.to_q"), atol=1e-5)


def test_a_blend_has_the_words_in_common_and_says_whom_it_is_of(tmp_path):
    mixed = mix_people([ADA, BEN, CLEO], "ada: 1 / ben: 2 / cleo: 1", "dora")
    assert [word.placeholder for word in mixed.words] == ["dora/mouth"]
    assert "embedding:dora/mouth" in mixed.meta.prompt
    assert mixed.meta.mixed_from == {"ada": 0.25, "ben": 0.5, "cleo": 0.25}
    path = tmp_path / "dora.safetensors"
    save_identity(mixed, path)
    back = load_identity(path)
    assert back.meta == mixed.meta
    assert describe_identity(path)["mixed_from"] == dict(mixed.meta.mixed_from)
    for layer in LAYERS:
        assert torch.equal(delta(back, layer), delta(mixed, layer))


def test_the_same_blend_has_the_same_origin_and_another_has_not():
    def origin(how: str) -> str:
        return mix_people([ADA, BEN], how).meta.origin

    assert origin("ada: 1, ben: 1") == origin("ada: 0.5; ben: 0.5")
    assert origin("ada: 1, ben: 1") != origin("ada: 1, ben: 2")


def test_parts_keep_the_people_as_they_are():
    mixed = mix_people([ADA, BEN, CLEO], "Eyes: ada\nmouth: ben, nose: cleo, REST: cleo")
    assert mixed.name == "cleo"
    assert mixed.lora is CLEO.lora
    assert mixed.parts == {"eyes": ADA, "mouth": BEN}
    assert everybody(mixed) == (mixed, ADA, BEN)


def test_a_mix_by_parts_is_no_file_and_no_lora(tmp_path):
    mixed = mix_people([ADA, BEN], "eyes: ada, rest: ben")
    with pytest.raises(ConfigError, match=r"mix by parts \(eyes: ada\)"):
        save_identity(mixed, tmp_path / "mixed.safetensors")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="Inpaint Compose"):
        check_whole(mixed)
    with pytest.raises(ConfigError, match="mix by parts"):
        mix_people([mixed, ADA], "ben: 0.5, ada: 0.5")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("", "how is empty"),
        ("eyes", "'eyes'; write eyes: ada"),
        ("eyes: eve, rest: ada", r"'eve', who is not given \(given: ada, ben, cleo\)"),
        ("eyes: ada, eyes: ben, rest: ada", "'eyes' more than once"),
        ("eyes: ada, mouth: ben", "whose the rest is"),
        ("rest: ada", "at least one part"),
        ("ey: ada, rest: ben", "unknown attribute 'ey'"),
        ("ada: 0.5, rest: ben", "rest the share 'ben'"),
        ("ada: -1, ben: 1", "share '-1'"),
        ("ada: nan, ben: 1", "share 'nan'"),
        ("ada: 0, ben: 0", "gives nobody a share"),
        ("ada: 0.5, eve: 0.5", "'eve', who is not given"),
    ],
)
def test_a_text_that_says_nothing_is_refused(how: str, said: str):
    with pytest.raises(ConfigError, match=said):
        mix_people([ADA, BEN, CLEO], how)


def test_people_who_do_not_go_together_are_refused():
    with pytest.raises(BackboneMismatchError, match="learned on another model"):
        mix_people([ADA, person("eve", backbone_hash="other")], "ada: 1, eve: 1")
    with pytest.raises(BackboneMismatchError, match="learned on another model"):
        mix_people([ADA, person("eve", family="sdxl")], "eyes: ada, rest: eve")
    with pytest.raises(ConfigError, match="as many vectors"):
        mix_people([ADA, person("eve", vectors=2)], "ada: 1, eve: 1")
    with pytest.raises(ConfigError, match="no learned word in common"):
        mix_people([ADA, person("eve", words=("nose",))], "ada: 1, eve: 1")
    with pytest.raises(ConfigError, match="two of the people are named 'ada'"):
        mix_people([ADA, person("ada")], "ada: 1")
    with pytest.raises(ConfigError, match="identity name"):
        blend([(ADA, 1.0), (BEN, 1.0)], "A B")
