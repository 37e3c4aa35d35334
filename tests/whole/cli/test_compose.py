"""facea compose, and facea evaluate."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image, JpegImagePlugin

from facea_core.cli import main
from facea_core.demo import draw_cast
from facea_core.identity import load_identity, save_identity
from facea_core.io.images import load_image, save_image

from .shell import compose, failed, train


def test_compose_changes_the_face_alone_and_marks_the_picture(world, inside, capsys):
    assert compose(world, "--json", "made.json") == 0
    before, after = load_image(world / "ada.png")[0], load_image(inside / "made.png")[0]
    x0, y0, x1, y1 = json.loads((inside / "made.json").read_text())["repainted"]
    assert not torch.equal(before, after)
    after[:, :, y0:y1, x0:x1] = before[:, :, y0:y1, x0:x1]
    assert torch.equal(before, after)
    with Image.open(inside / "made.png") as made:
        assert made.info["Software"].startswith("FaceA")  # pyright: ignore
        assert "Generated" in made.info


@pytest.mark.parametrize(("ending", "most"), [("webp", 0), ("png", 0), ("jpg", 0.05)])
def test_what_lies_outside_stays_in_every_format_that_can_keep_it(
    world, inside, capsys, ending, most
):
    assert compose(world, "--out", f"made.{ending}", "--json", "made.json") == 0
    before, after = load_image(world / "ada.png")[0], load_image(inside / f"made.{ending}")[0]
    said = json.loads((inside / "made.json").read_text())
    x0, y0, x1, y1 = said["repainted"]
    after[:, :, y0:y1, x0:x1] = before[:, :, y0:y1, x0:x1]
    assert (after - before).abs().mean() <= most
    assert any("outside the mask" in note for note in said["notes"]) == (ending == "jpg")
    if ending == "jpg":
        with Image.open(inside / "made.jpg") as made:
            assert JpegImagePlugin.get_sampling(made) == 0  # 4:4:4


def test_settings_of_earlier_versions_are_passed_over_with_a_word(world, inside, caplog):
    Path("old.json").write_text('{"choose_every": 1, "outside_penalty": 0}')
    flags = ["--config", "old.json", "--patience", "2", "--out", "old.safetensors"]
    assert train(world, *flags, "--lora-rate", "0.001") == 0
    assert load_identity("old.safetensors").meta.config["lora_rate"] == 0.001
    assert "patience" in caplog.text
    assert "choose_every" in caplog.text
    assert "outside_penalty" not in caplog.text


def test_compose_says_what_it_chose_among(world, inside, capsys):
    assert compose(world, "--candidates", "2", "--json", "-") == 0
    (choice,) = json.loads(capsys.readouterr().out)["candidates"]
    assert len(choice["fits"]) == 2
    assert choice["likeness"] == []


def test_compose_into_a_mask_needs_no_face(world, inside):
    Image.new("L", (64, 64), 255).save("white.png")
    flags = ["--identity", str(world / "ada.safetensors"), "--base", str(world / "base")]
    flags += ["--mask", "white.png", "--steps", "1", "--device", "cpu", "--out", "made.png"]
    assert main(["compose", str(world / "empty.png"), *flags]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--identity", "{}/ada.png"], ["ada.png", "safetensors"]),
        (["--identity", "{}/base"], ["base", "identity"]),
        (["--identity", "none.safetensors"], ["none.safetensors"]),
        (["--mask", "{}/black.png"], ["black"]),
        (["--mask", "{}/empty.png"], ["64x64"]),
        (["--face-index", "3"], ["number 3 was asked for by face_index"]),
        (["--candidates", "0"], ["candidates"]),
        (["--references", "{}/empty.png"], ["references"]),
        (["--prompt", "a man with embedding:bo/eyes"], ["bo/eyes"]),
        (["--out", "{}/ada.png/made.png"], ["cannot write"]),
        (["--out", "made.gif"], [".gif"]),
        (["--out", "x" * 252 + ".png"], ["File name too long"]),
        (["--base", "none.safetensors"], ["none.safetensors"]),
    ],
)
def test_compose_refuses_in_one_line(world, inside, capsys, arguments, words):
    failed(capsys, compose(world, *(text.format(world) for text in arguments)), *words)
    assert list(inside.iterdir()) == []


def test_compose_refuses_an_identity_of_another_family_or_a_cut_file(world, tmp_path, capsys):
    identity = load_identity(world / "ada.safetensors")
    other = replace(identity, meta=replace(identity.meta, family="sdxl"))
    save_identity(other, tmp_path / "other.safetensors")
    out = tmp_path / "made.png"
    failed(
        capsys, compose(world, "--identity", tmp_path / "other.safetensors", "--out", out), "sdxl"
    )
    data = (world / "ada.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[: len(data) // 2])
    failed(capsys, compose(world, "--identity", tmp_path / "cut.safetensors", "--out", out), "cut")
    assert not out.exists()


def test_evaluate_measures_likeness(world, inside, capsys):
    ada, grey = str(world / "ada.png"), str(world / "grey.png")
    flags = ["--detector", "landmarks", "--embedder", "landmarks", "--json", "-"]
    assert main(["evaluate", ada, "--references", ada, "--held-out", grey, *flags]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["training"] == pytest.approx(1)
    assert figures["heldout"] < 1
    assert figures["background"] is None


def test_evaluate_measures_painted_people_as_such(inside, capsys):
    """Where dlib is installed too: to its network all painted people are one."""
    pytest.importorskip("dlib")
    cast, other = draw_cast(4, 128), draw_cast(3, 128)
    # In the first two and the stranger dlib finds no face, in the last it does.
    for name, image in (
        ("photo", cast.photos.image[:1]),
        ("same", cast.photos.image[1:2]),
        ("other", other.photos.image[:1]),
        ("found", other.photos.image[1:2]),
    ):
        save_image(image, inside / f"{name}.png")
    found = {}
    for name in ("same", "other"):
        files = [str(inside / f"{one}.png") for one in (name, "photo")]
        assert main(["evaluate", files[0], "--references", files[1], "--json", "-"]) == 0
        found[name] = json.loads(capsys.readouterr().out)
    assert {figures["embedder"] for figures in found.values()} == {"tiny"}
    assert found["same"]["training"] > 0.7
    assert found["other"]["training"] < 0.4
    stranger, blank = inside / "other.png", inside / "blank.png"
    save_image(torch.full((1, 3, 128, 128), 0.5), blank)
    files = [str(one) for one in (inside / "same.png", stranger, blank)]
    flags = ["--detector", "tiny", "--on-missing", "skip"]
    flags += ["--references", str(inside / "photo.png")]
    assert main(["evaluate", *files, *flags]) == 0
    same, other, nobody, *_, last = capsys.readouterr().out.splitlines()
    assert same.startswith("same.png")
    assert same.endswith("same person")
    assert other.startswith("other.png")
    assert other.endswith("somebody else")
    assert nobody.startswith("blank.png")
    assert nobody.endswith("no face")
    assert last.startswith("1 same person, 1 somebody else, 1 no face (by tiny")
    both = [str(inside / "found.png"), "--references", str(inside / "photo.png")]
    assert main(["evaluate", *both]) == 0
    assert "(by tiny" in capsys.readouterr().out.splitlines()[-1]


def test_evaluate_without_photos_is_refused(world, inside, capsys):
    failed(capsys, main(["evaluate", str(world / "ada.png"), "--json", "x.json"]), "--references")
    assert list(inside.iterdir()) == []
