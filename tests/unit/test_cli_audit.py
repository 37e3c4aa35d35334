"""`facea audit`, and the audit that `facea train` makes first."""

import json
from pathlib import Path

import pytest
import torch

from facea_core.cli import main
from facea_core.cli.work.audit import chosen_first, distinct_names
from facea_core.images import load_image, save_image
from facea_core.tiny.painter import paint, sample_people, sample_scenes
from facea_core.types import Box, FaceAttributes

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


def test_a_table_with_a_verdict_per_photo(photos, capsys):
    assert audit(photos) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows] == ["photo", "a.png", "b.png", "empty.png"]
    assert "no face found" in rows[3]
    assert "red" in rows[3]


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


def train(photos: Path, *arguments: object) -> int:
    words = ["train", *(str(photos / f"{name}.png") for name in ("a", "b", "dark"))]
    words += ["--base", "tiny", "--name", "ada", "--class", "woman", "--steps", "1", "--rank", "2"]
    words += ["--batch", "1", "--variants", "1", "--detector", "tiny", "--device", "cpu"]
    words += ["--face-threshold", "0.05", "--part-threshold", "0.02"]
    return main([*words, *map(str, arguments)])


def test_training_says_what_the_photos_lack_and_goes_on(photos, tmp_path, capsys):
    assert train(photos, "--on-missing", "pass", "--out", tmp_path / "a.safetensors") == 0
    said = capsys.readouterr().err
    assert "dark.png: red: " in said
    assert "left out" not in said


def test_training_leaves_red_photos_out(photos, tmp_path, capsys):
    out = ["--on-missing", "pass", "--policy", "skip", "--out", tmp_path / "a.safetensors"]
    assert train(photos, *out) == 0
    assert "dark.png: left out" in capsys.readouterr().err


def test_training_stops(photos, tmp_path, capsys):
    out = ["--on-missing", "pass", "--policy", "stop", "--out", tmp_path / "a.safetensors"]
    assert train(photos, *out) == 1
    assert "1 of 3 photos are not good enough: dark.png" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_face_that_is_meant_comes_first():
    faces = tuple(FaceAttributes((9, 9), Box(i, 0, 9, 9), 0.9) for i in range(3))
    assert chosen_first(faces, 0) == chosen_first(faces, -1) == faces
    assert chosen_first(faces, 2) == (faces[2], faces[0], faces[1])
    assert chosen_first(faces, 3) == chosen_first((), 0) == ()


def test_names_of_photos_differ():
    paths = [Path("x/a.png"), Path("y/a.png"), Path("b.png")]
    assert distinct_names(paths) == ["x/a.png", "y/a.png", "b.png"]
