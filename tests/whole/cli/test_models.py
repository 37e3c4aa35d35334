"""The model that `facea train` and `facea compose` are given: judged first, and made whole."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage.data import astronaut

from facea_core.backbone.load import random_backbone, single_file_state
from facea_core.cli import main

VAE = "first_stage_model."
LOST = VAE + "taesd_decoder.1.weight"
SMALL = ["--preset", "tiny", "--rank", "4", "--batch", "1", "--variants", "1", "--steps", "1"]
PLAIN = ["--detector", "landmarks", "--device", "cpu"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph, one model with and without its VAE or some tensors, and an identity of it."""
    folder = tmp_path_factory.mktemp("models")
    Image.fromarray(astronaut()).crop((100, 0, 356, 256)).save(folder / "ada.png")
    state = {k: v.clone().contiguous() for k, v in single_file_state(random_backbone(0)).items()}
    alone = {key: value for key, value in state.items() if key.startswith(VAE)}
    save_file(state, folder / "whole")
    save_file({**state, "nsfw_flag": torch.zeros(1)}, folder / "stray")
    save_file({key: value for key, value in state.items() if key not in alone}, folder / "no-vae")
    save_file({key: value for key, value in state.items() if key != LOST}, folder / "lost")
    save_file({key.removeprefix(VAE): value for key, value in alone.items()}, folder / "vae")
    assert train(folder, "whole", "--out", folder / "ada.safetensors") == 0
    return folder


def train(world: Path, base: str, *arguments: object, photo: str = "ada.png") -> int:
    words = [world / photo, "--base", world / base, "--name", "ada", "--class", "woman"]
    return main(["train", *map(str, [*words, *SMALL, *PLAIN, *arguments])])


def compose(world: Path, base: str, *arguments: object, photo: str = "ada.png") -> int:
    words = [world / photo, "--base", world / base, "--identity", world / "ada.safetensors"]
    return main(["compose", *map(str, [*words, "--steps", "1", *PLAIN, *arguments])])


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("lost", "lost does not fit AutoencoderTiny: 1 keys missing"),
        ("no-vae", "no-vae is a facea-tiny inpainting model without its VAE"),
        ("ada.safetensors", "is a LoRA, which only changes a model"),
    ],
)
def test_a_model_is_refused_before_photos_are_looked_at(world, tmp_path, capsys, base, said):
    out = tmp_path / "out.png"
    for command in (train, compose):
        assert command(world, base, "--out", out, photo="none.png") == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not out.exists()


def test_a_vae_from_another_file_makes_a_model_whole(world, tmp_path):
    flags = ["--vae", world / "vae"]
    assert train(world, "no-vae", *flags, "--out", tmp_path / "ada.safetensors") == 0
    learned = (tmp_path / "ada.safetensors").read_bytes()
    assert learned == (world / "ada.safetensors").read_bytes()
    assert compose(world, "no-vae", *flags, "--out", tmp_path / "made.png") == 0
    assert compose(world, "whole", "--out", tmp_path / "own.png") == 0
    assert (tmp_path / "own.png").read_bytes() == (tmp_path / "made.png").read_bytes()


def test_the_preset_goes_by_a_model_that_is_whole_only_with_the_vae(world, tmp_path, capsys):
    words = [world / "none.png", "--base", world / "no-vae", "--vae", world / "vae"]
    words += ["--name", "ada", "--class", "woman", "--out", tmp_path / "ada.safetensors"]
    assert main(["train", *map(str, words), *PLAIN]) == 1
    assert "none.png" in capsys.readouterr().err.splitlines()[-1]


def test_a_model_in_a_settings_file_that_is_no_name_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("base", "vae"):
        Path("some.json").write_text(f'{{"{name}": 5}}')
        words = ["--name", "ada", "--class", "woman", "--config", "some.json"]
        base = ["--base", "tiny"] if name == "vae" else []
        assert main(["train", "none.png", *words, *base]) == 1
        assert f"{name} is 5; give a path" in capsys.readouterr().err


@pytest.mark.parametrize("command", [train, compose])
def test_what_is_passed_over_is_said(world, tmp_path, capsys, command):
    suffix = ".safetensors" if command is train else ".png"
    assert command(world, "stray", "--out", tmp_path / f"made{suffix}") == 0
    note = "--base: stray holds tensors that nothing of facea-tiny reads, passed over: 1 (first: "
    assert f"{note}nsfw_flag)" in capsys.readouterr().err
    if command is train:
        assert (tmp_path / "made.safetensors").read_bytes() == (
            world / "ada.safetensors"
        ).read_bytes()
