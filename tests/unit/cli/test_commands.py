"""The list of commands, their flags, and detect."""

import json

import pytest

from facea_core import __version__
from facea_core.cli import COMMANDS, main
from facea_core.io.images import load_image

from .shell import SMALL, failed

SMALL += ["--detector", "landmarks", "--device", "cpu"]


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
    "edit": "--edit --identity --base --out --parts --mask --amount --handover --seed --config",
    "slider": "--base --out --positive --negative --neutral --steps --guidance --run --resume",
    "mix": "--how --out --name",
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
