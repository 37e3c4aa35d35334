"""facea mix, and people mixed in facea compose."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from facea_core.cli import main
from facea_core.identity import load_identity, save_identity

from .shell import compose, failed


@pytest.fixture
def two(world: Path, inside: Path) -> tuple[Path, Path]:
    """Ada, and the same under another name."""
    ada = load_identity(world / "ada.safetensors")
    words = tuple(replace(one, placeholder=f"ben/{one.attribute}") for one in ada.words)
    save_identity(replace(ada, name="ben", words=words), "ben.safetensors")
    return world / "ada.safetensors", Path("ben.safetensors")


def test_a_blend_is_a_file_like_any_other(world, two, capsys):
    files = map(str, two)
    how = ["--how", "ada: 0.5, ben: 0.5", "--name", "dora", "--out", "dora.safetensors"]
    assert main(["mix", *files, *how]) == 0
    assert "dora, a blend of ada, ben" in capsys.readouterr().out
    mixed = load_identity("dora.safetensors")
    assert mixed.meta.mixed_from == {"ada": 0.5, "ben": 0.5}
    assert compose(world, "--identity", "dora.safetensors") == 0


def test_a_mix_by_parts_is_painted_and_not_saved(world, two, capsys):
    files = map(str, two)
    how = "eyes: ben, rest: ada"
    failed(capsys, main(["mix", *files, "--how", how, "--out", "m.safetensors"]), "--mix")
    assert not Path("m.safetensors").exists()
    assert compose(world, "--others", two[1], "--mix", how, "--json", "made.json") == 0
    assert len(json.loads(Path("made.json").read_text())["crops"]) == 2


def test_parts_may_be_those_of_the_others(world, two, capsys):
    assert compose(world, "--others", two[1], "--parts", "eyes:ben, mouth:ada") == 0


def test_a_mix_beside_a_mask_is_refused(world, two, capsys):
    more = ["--others", two[1], "--mix", "eyes: ben, rest: ada"]
    failed(capsys, compose(world, *more, "--mask", world / "grey.png"), "mix by parts", "--mask")
    failed(capsys, compose(world, "--mix", "eyes: eve, rest: ada"), "'eve', who is not given")
