"""facea train, and facea info."""

import json
import os
import signal
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from facea_core.cli import main, talk
from facea_core.identity import load_identity
from facea_core.training import TrainConfig

from .shell import SMALL, failed, train


def test_train_makes_an_identity_and_info_tells_about_it(world, capsys):
    assert main(["info", str(world / "ada.safetensors"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["class_noun"], facts["steps"]) == ("ada", "woman", 2)
    assert [word["attribute"] for word in facts["words"]] == ["eyes", "nose", "mouth"]
    assert main(["info", str(world / "ada.safetensors")]) == 0
    assert "embedding:ada/nose" in capsys.readouterr().out


def test_train_says_how_it_fits_in_memory_before_it_looks_at_photos(world, inside, capsys):
    status = train(world, "--json", "-", "--micro-batch", "1", "--batch", "2", "--resolution", "64")
    said = capsys.readouterr()
    assert status == 0
    plan = "facea-tiny 64 px, 2 images, 1 at once; about 0.0 GB"
    assert said.err.startswith(plan)
    figures = json.loads(said.out)
    assert figures["plan"].startswith(plan)
    assert figures["mode"].startswith("eager")


def test_a_model_without_mask_channels_is_refused_before_photos_are_looked_at(
    world, inside, capsys
):
    state = load_file(world / "base")
    first = "model.diffusion_model.input_blocks.0.0.weight"
    save_file({**state, first: state[first][:, :4].contiguous()}, inside / "plain")
    plain = [str(world / "cut.png"), "--base", "plain", "--name", "ada", "--class", "woman"]
    failed(capsys, main(["train", *plain, *SMALL]), "no mask channels", "masked_latent")
    # With the flag it gets as far as the photo, which cannot be read.
    failed(capsys, main(["train", *plain, *SMALL, "--masked-latent"]), "cut.png")


def test_the_preset_goes_by_what_the_file_is(world, inside, capsys):
    paths = [str(world / "ada.png"), "--base", str(world / "base")]
    again = ["--name", "ada", "--class", "woman", "--steps", "1", "--variants", "1", "--batch", "1"]
    assert main(["train", *paths, *again, "--detector", "landmarks", "--device", "cpu"]) == 0
    assert load_identity("ada.safetensors").meta.rank == TrainConfig.from_preset("tiny").rank


def test_a_training_stopped_by_a_signal_goes_on_to_the_same_bytes(
    world, inside, capsys, monkeypatch
):
    flags = ["--steps", "4", "--report-every", "1", "--save-every", "1000"]
    assert train(world, *flags, "--out", "whole.safetensors") == 0
    reports = []

    def stop_at_the_second(_bar, said, **_choices):
        reports.extend([1] * said.startswith("loss"))
        if len(reports) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    capsys.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr(talk.tqdm, "set_postfix_str", stop_at_the_second)
        assert train(world, *flags, "--out", "cut.safetensors", "--run", "run dir") == 130
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("facea train: stopped; go on with: facea train ")
    assert said[-1].endswith("--run 'run dir' --resume")
    assert not (inside / "cut.safetensors").exists()
    assert train(world, *flags, "--out", "cut.safetensors", "--run", "run dir", "--resume") == 0
    assert Path("cut.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("photos", "arguments", "words"),
    [
        ((), [], ["no photos"]),
        (("empty.png",), [], ["empty.png", "no face"]),
        (("empty.png",), ["--on-missing", "skip"], ["no photo is left"]),
        (("ada.png",), ["--attributes", "eyess"], ["'eyess'", "'eyes'"]),
        (("ada.png",), ["--resume"], ["--run"]),
        (("ada.png",), ["--run", "run", "--resume"], ["run", "resume"]),
        (("ada.png",), ["--out", "{}/ada.png/x.safetensors"], ["cannot write"]),
        (("ada.png",), ["--run", "{}/ada.png"], ["cannot write"]),
        (("ada.png",), ["--preset", "papper"], ["'papper'", "paper"]),
        (("ada.png",), ["--base", "none.safetensors"], ["none.safetensors"]),
        (("ada.png",), ["--base", "{}/text.png"], ["text.png"]),
        (("ada.png",), ["--device", "warp"], ["'warp'"]),
        (("ada.png",), ["--name", "Ada/L."], ["'ada-l'"]),
    ],
)
def test_train_refuses_in_one_line(world, inside, capsys, photos, arguments, words):
    status = train(world, *(text.format(world) for text in arguments), photos=photos)
    failed(capsys, status, *words)
    assert list(inside.iterdir()) == []


def test_a_full_disk_is_noticed_before_the_training(world, inside, capsys, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    failed(capsys, train(world), "No space left")
    assert list(inside.iterdir()) == []


def test_resuming_with_other_settings_is_refused(world, inside, capsys):
    assert train(world, "--run", "run") == 0
    os.remove("ada.safetensors")
    capsys.readouterr()
    failed(capsys, train(world, "--run", "run", "--resume", "--seed", "1"), "seed")
    assert [path.name for path in inside.iterdir()] == ["run"]
