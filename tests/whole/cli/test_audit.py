"""`facea audit`, and the audit that `facea train` makes first."""

import json
import os
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import torch

from facea_core.cli import main
from facea_core.io.images import load_image, save_image
from facea_core.synthetic.render import paint, sample_people, sample_scenes

try:
    import pty
except ImportError:
    pty = None

TINY = ["--detector", "tiny", "--resolution", "128"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of a painted person, one too dark, and one of nobody."""
    folder = tmp_path_factory.mktemp("photos")
    generator = torch.Generator().manual_seed(3)
    made = paint(sample_people(1, generator).repeat(3, 1), sample_scenes(3, generator)).image
    for name, image in zip(("a", "b", "dark"), made.split(1), strict=True):
        save_image(image * (0.15 if name == "dark" else 1.0), folder / f"{name}.png")
    save_image(torch.full((1, 3, 64, 64), 0.5), folder / "empty.png")
    return folder


def audit(photos: Path, *arguments: str, names: tuple[str, ...] = ("a", "b", "empty")) -> int:
    return main(["audit", *(str(photos / f"{name}.png") for name in names), *TINY, *arguments])


def test_a_line_per_photo_and_its_reasons_below(photos, capsys):
    assert audit(photos) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    rows = [number for number, line in enumerate(lines) if line and line[0] not in " -"]
    assert [lines[row].split()[0] for row in rows] == ["photo", "a.png", "b.png", "empty.png"]
    assert lines[rows[3]].split()[1] == "red"
    assert lines[rows[3] + 1].startswith("  - no face found")


@pytest.mark.skipif(pty is None, reason="a terminal is only to be had on POSIX")
def test_verdicts_are_coloured_on_a_terminal_only(photos, monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" in on_a_terminal(photos)
    assert "\x1b[31mred\x1b[0m" in on_a_terminal(photos)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_a_terminal(photos)
    monkeypatch.delenv("NO_COLOR")
    assert audit(photos) == 0
    assert "\x1b" not in capsys.readouterr().out


def on_a_terminal(photos: Path) -> str:
    """What a terminal is given."""
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal, redirect_stdout(terminal):
        assert audit(photos) == 0
        terminal.flush()
        said = os.read(reader, 65536).decode()
    os.close(reader)
    return said


def test_own_masks_are_worn(photos, tmp_path, capsys):
    mask = torch.zeros(1, 3, 64, 64)
    mask[..., 20:50, 20:44] = 1
    save_image(mask, tmp_path / "empty.face.png")
    assert audit(photos, f"--own-masks={tmp_path}", "--json", "-") == 0
    (*_, told) = json.loads(capsys.readouterr().out)["photos"]
    assert told["measures"]["face_px"] == 30
    assert "no_face" not in {finding["check"] for finding in told["findings"]}


def test_json_overlay_and_crops(photos, tmp_path, capsys):
    out = [f"--{name}={tmp_path / file}" for name, file in
           (("json", "a.json"), ("overlay", "a.png"), ("crops", "crops"))]  # fmt: skip
    assert audit(photos, *out, "--crop-size", "96") == 0
    told = json.loads((tmp_path / "a.json").read_text())
    assert [photo["status"] == "red" for photo in told["photos"]] == [False, False, True]
    assert load_image(tmp_path / "a.png")[0].shape[3] > 3 * 320
    crops = sorted((tmp_path / "crops").iterdir())
    assert [path.name for path in crops] == ["a.face.png", "b.face.png"]
    assert load_image(crops[0])[0].shape == (1, 3, 96, 96)
    capsys.readouterr()
    assert audit(photos, "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["photos"][0]["name"] == "a.png"


def test_stop_fails_after_everything_is_written(photos, tmp_path, capsys):
    assert audit(photos, "--policy", "stop", f"--json={tmp_path / 'a.json'}") == 1
    said = capsys.readouterr()
    assert "1 of 3 photos are not good enough: empty.png: no face" in said.err
    assert len(said.err.splitlines()) == 1
    assert (tmp_path / "a.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no photos"),
        (["{}/a.png", "--soft", "2"], "0.0 to 1.0"),
        (["{}/a.png", "--embedder", "eyes"], "'eyes'"),
        (["{}/a.png", "--overlay", "a.xyz"], ".xyz"),
        (["{}/none.png"], "no picture"),
    ],
)
def test_mistakes_are_one_line(photos, capsys, arguments, said):
    assert main(["audit", *(word.format(photos) for word in arguments), *TINY]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def train(photos: Path, *arguments: object, names: tuple[str, ...] = ("a", "b", "dark")) -> int:
    words = ["train", *(str(photos / f"{name}.png") for name in names)]
    words += ["--base", "tiny", "--name", "ada", "--class", "woman", "--steps", "1", "--rank", "2"]
    words += ["--batch", "1", "--variants", "1", "--detector", "tiny", "--device", "cpu"]
    words += ["--face-threshold", "0.05", "--part-threshold", "0.02"]
    return main([*words, *map(str, arguments)])


def test_training_says_what_the_photos_lack_and_goes_on(photos, tmp_path, capsys):
    out = ["--on-missing", "pass", "--policy", "warn", "--out", tmp_path / "a.safetensors"]
    assert train(photos, *out) == 0
    said = capsys.readouterr().err
    assert "dark.png: red: " in said
    assert "learning from" not in said
    assert "left out" not in said


def test_training_leaves_red_photos_out(photos, tmp_path, capsys):
    """Without being told to."""
    assert train(photos, "--on-missing", "pass", "--out", tmp_path / "a.safetensors") == 0
    said = capsys.readouterr()
    assert "dark.png: left out" in said.err
    assert "learning from 2 of 3 photos" in said.err
    assert "learned from 2 of 3 photos" in said.out


def test_training_stops(photos, tmp_path, capsys):
    out = ["--on-missing", "pass", "--policy", "stop", "--out", tmp_path / "a.safetensors"]
    assert train(photos, *out) == 1
    assert "1 of 3 photos are not good enough: dark.png" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_only_red_photos_are_an_error_that_says_why(photos, tmp_path, capsys):
    out = ["--on-missing", "pass", "--out", tmp_path / "a.safetensors"]
    assert train(photos, *out, names=("dark",)) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "none of the 1 photos is left to learn from: dark.png: the face is too dark" in said
    assert "set the policy to warn" in said
    assert list(tmp_path.iterdir()) == []
    # The audit by itself has said so, and nobody learns.
    assert audit(photos, names=("dark", "empty")) == 0
