"""The shell's door: shapes, exit status, one line per error, and nothing left behind."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image, JpegImagePlugin
from safetensors.torch import load_file, save_file
from skimage.data import astronaut

from facea_core import __version__
from facea_core.backbone.load import random_backbone, single_file_state
from facea_core.cli import COMMANDS, main, talk
from facea_core.demo import draw_cast
from facea_core.identity import load_identity, save_identity
from facea_core.io.images import load_image, save_image
from facea_core.training import TrainConfig

SMALL = ["--preset", "tiny", "--rank", "4", "--batch", "1", "--variants", "1"]
SMALL += ["--detector", "landmarks", "--device", "cpu"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photograph, a picture without a face, an untrained model and an identity."""
    folder = tmp_path_factory.mktemp("world")
    photo = Image.fromarray(astronaut()).crop((100, 0, 356, 256))
    photo.save(folder / "ada.png")
    photo.convert("L").save(folder / "grey.png")
    Image.new("RGB", (64, 64), "white").save(folder / "empty.png")
    Image.new("L", photo.size).save(folder / "black.png")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    (folder / "cut.png").write_bytes((folder / "ada.png").read_bytes()[:5000])
    (folder / "text.png").write_text("not a picture")
    state = single_file_state(random_backbone(0))
    save_file({key: value.clone().contiguous() for key, value in state.items()}, folder / "base")
    assert train(folder, "--out", folder / "ada.safetensors") == 0
    return folder


@pytest.fixture
def inside(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, which errors must leave empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(world: Path, *arguments: object, photos: tuple[str, ...] = ("ada.png",)) -> int:
    words = [*photos, "--base", "base", "--name", "ada", "--class", "woman", "--steps", "2", *SMALL]
    paths = [str(world / word) if (world / word).exists() else word for word in words]
    return main(["train", *paths, *map(str, arguments)])


def failed(capsys: pytest.CaptureFixture[str], status: int, *words: str) -> None:
    """Exit status 1 and one line on stderr that holds the words.

    Before it may come notes on the photos, how the training was planned, and that the miniature
    is none for photographs.
    """
    said = capsys.readouterr()
    assert status == 1, said
    assert said.out == ""
    *notes, error = said.err.splitlines()
    assert error.startswith("facea ")
    known = (".png: ", "; about ", "has only seen painted people")
    assert all(any(words in note for words in known) for note in notes)
    for word in words:
        assert word in error


def test_without_a_command_the_commands_are_listed(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in COMMANDS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"facea {__version__}\n"


def test_an_unknown_command_names_the_nearest(capsys):
    assert main(["trian"]) == 2
    assert "'train'" in capsys.readouterr().err


SHAPES = {
    "demo": "--out --seed --steps",
    "detect": "--detector --json --preview --config",
    "audit": "--detector --attributes --policy --resolution --json --overlay --crops --embedder",
    "train": "--policy --base --name --class --preset --steps --out --run --resume --config "
    "--prediction --resolution --micro-batch --checkpointing --masked-latent --capture",
    "compose": "--identity --base --out --prompt --face-index --seed --references --candidates "
    "--config",
    "evaluate": "--references --held-out --json",
    "info": "--json",
    "doctor": "--json",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_flags_that_scripts_rely_on_are_there(name: str, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    listed = capsys.readouterr().out.split()
    assert [
        flag for flag in SHAPES[name].split() if flag not in {w.strip(",") for w in listed}
    ] == []


# The commands


def test_detect_writes_boxes_and_a_preview(world, inside, capsys):
    photos = [str(world / "ada.png"), str(world / "grey.png")]
    files = ["--json", "found.json", "--preview", "found.png"]
    assert main(["detect", *photos, "--detector", "landmarks", *files]) == 0
    faces = json.loads((inside / "found.json").read_text())["faces"]
    assert [face["file"] for face in faces] == photos
    assert {"eyes", "nose", "mouth"} <= set(faces[0]["parts"])
    assert any("grey" in text for text in faces[1]["notes"])
    assert load_image(inside / "found.png")[0].shape[2] == 512
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_detect_answers_to_stdout_as_json_alone(world, inside, capsys):
    assert main(["detect", str(world / "ada.png"), "--detector", "landmarks", "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["faces"]) == 1
    assert list(inside.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{}/empty.png", "--detector", "landmarks"], ["empty.png", "no face"]),
        (["{}/text.png"], ["text.png"]),
        (["{}/cut.png"], ["cut.png", "truncated"]),
        (["{}/dot.png"], ["dot.png", "1x1"]),
        (["{}/none.png"], ["none.png"]),
        (["{}/ada.png", "--attributes", "eyes, nosee"], ["'nosee'", "'nose'"]),
        (["{}/ada.png", "--detector-model", "gone.pth"], ["no detector at gone.pth"]),
        (["{}/ada.png", "--detector-download", "swinx"], ["'swinx'", "swint"]),
        (["{}/ada.png", "--detector", "magic"], ["'magic'"]),
        (["{}/ada.png", "--preview", "{}/ada.png/found.png"], ["cannot write"]),
        ([], ["no pictures"]),
    ],
)
def test_detect_refuses_in_one_line(world, inside, capsys, arguments, words):
    status = main(["detect", *(text.format(world) for text in arguments), "--json", "x.json"])
    failed(capsys, status, *words)
    assert list(inside.iterdir()) == []


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
    plan = "facea-tiny 64 px, 2 pictures, 1 at once; about 0.0 GB"
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


def compose(world: Path, *arguments: object) -> int:
    words = [world / "ada.png", "--identity", world / "ada.safetensors", "--base", world / "base"]
    words += ["--out", "made.png", "--steps", "1", "--detector", "landmarks", "--device", "cpu"]
    return main(["compose", *map(str, words), *map(str, arguments)])


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
