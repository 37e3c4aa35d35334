"""One photo that cannot be read, among good ones, does not end what the others can be used for."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from facea_core.cli import main
from facea_core.identity import load_identity
from facea_core.io.images import load_image, save_image
from facea_core.synthetic.render import paint, sample_people, sample_scenes

TINY = ["--detector", "tiny"]
LEARN = ["--base", "tiny", "--name", "ada", "--class", "woman", "--steps", "1", "--rank", "2"]
LEARN += ["--batch", "1", "--variants", "1", "--device", "cpu", "--face-threshold", "0.05"]
LEARN += ["--part-threshold", "0.02", "--on-missing", "pass", *TINY]
COMPANION = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(60)


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painted")
    generator = torch.Generator().manual_seed(3)
    made = paint(sample_people(1, generator).repeat(2, 1), sample_scenes(2, generator)).image
    for name, image in zip("ab", made.split(1), strict=True):
        save_image(image, folder / f"{name}.png")
    return folder


@pytest.fixture
def photos(painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """a.png, what a Mac keeps beside it, a copy of a.png, an empty file, and b.png."""
    for name, other in (("a", "a"), ("b", "b"), ("c", "a")):
        shutil.copy(painted / f"{other}.png", tmp_path / f"{name}.png")
    (tmp_path / "._a.png").write_bytes(COMPANION)
    (tmp_path / "empty.jpg").touch()
    monkeypatch.chdir(tmp_path)
    return ["a.png", "._a.png", "c.png", "empty.jpg", "b.png"]


def test_audit_gives_every_photo_its_verdict(photos, capsys):
    files = ["--json", "a.json", "--overlay", "seen.png", "--crops", "crops"]
    assert main(["audit", *photos, *TINY, "--resolution", "128", *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(any(line.startswith(f"{name} ") for line in lines) for name in photos)
    told = json.loads(Path("a.json").read_text())
    verdicts = {one["name"]: one for one in told["photos"]}
    assert list(verdicts) == photos
    for name, words in (("._a.png", "Mac"), ("empty.jpg", "empty")):
        assert verdicts[name]["status"] == "red"
        (finding,) = verdicts[name]["findings"]
        assert finding["check"] == "unreadable"
        assert words in finding["text"]
    # What is said of the others is what is said without the bad ones, with their numbers.
    good = [name for name in photos if name.endswith(".png") and name != "._a.png"]
    assert main(["audit", *good, *TINY, "--resolution", "128", "--json", "b.json"]) == 0
    alone = json.loads(Path("b.json").read_text())
    for one in alone["photos"]:
        twin = one["measures"]["twin"]
        one["measures"]["twin"] = photos.index(good[twin])
        assert verdicts[one["name"]] == one
    assert told["set"]["photos"] == 5
    assert told["set"]["usable"] == alone["set"]["usable"]
    assert told["set"]["yaw_spread"] == alone["set"]["yaw_spread"]
    assert sorted(path.name for path in Path("crops").iterdir()) == [
        f"{name}.face.png" for name in "abc"
    ]
    assert load_image("seen.png")[0].shape[3] > 5 * 320


@pytest.mark.parametrize(("policy", "status"), [("warn", 0), ("skip", 0), ("stop", 1)])
def test_a_photo_that_cannot_be_read_counts_as_red(photos, capsys, policy, status):
    command = ["audit", *photos[:2], *TINY, "--resolution", "128", "--policy", policy]
    assert main([*command, "--json", "a.json"]) == status
    assert Path("a.json").exists()
    assert ("._a.png: ._a.png is no picture" in capsys.readouterr().err) == (policy == "stop")


def test_detect_searches_the_others(photos, capsys):
    assert main(["detect", *photos, *TINY, "--json", "f.json", "--preview", "seen.png"]) == 0
    faces = json.loads(Path("f.json").read_text())["faces"]
    assert [face and face["file"] for face in faces] == ["a.png", None, "c.png", None, "b.png"]
    said = capsys.readouterr()
    assert [line.split(": ")[1][:4] for line in said.out.splitlines()] == [
        "face", "left", "face", "left", "face"
    ]  # fmt: skip
    (mac, empty) = [line for line in said.err.splitlines() if line.startswith("left out: ")]
    assert "._a.png is no picture but what a Mac keeps" in mac
    assert "empty.jpg is empty (0 bytes)" in empty


@pytest.mark.parametrize("policy", ["warn", "skip"])
def test_train_learns_from_the_others(photos, capsys, policy):
    files = ["a.png", "._a.png", "b.png"]
    assert main(["train", *files, *LEARN, "--policy", policy, "--out", "with.safetensors"]) == 0
    assert "left out: ._a.png is no picture" in capsys.readouterr().err
    files.remove("._a.png")
    assert main(["train", *files, *LEARN, "--policy", policy, "--out", "alone.safetensors"]) == 0
    one, other = load_identity("with.safetensors"), load_identity("alone.safetensors")
    assert one.meta.steps == other.meta.steps
    assert Path("with.safetensors").read_bytes() == Path("alone.safetensors").read_bytes()


def test_train_stops_at_it_where_it_shall(photos, capsys):
    assert main(["train", "a.png", "empty.jpg", *LEARN, "--policy", "stop"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "1 of 2 photos cannot be read: empty.jpg is empty" in error
    assert not Path("ada.safetensors").exists()


@pytest.mark.parametrize("command", [["audit"], ["detect"], ["train", *LEARN]])
def test_a_wrong_path_or_no_photo_at_all_is_an_error(photos, capsys, command):
    name, *flags = command
    flags += [] if "tiny" in flags else TINY
    for files, words in (
        (["a.png", "none.png"], "no picture at none.png"),
        (["._a.png", "empty.jpg"], "none of the 2 photos can be read: ._a.png is"),
        (["empty.jpg"], "empty.jpg is empty"),
    ):
        assert main([name, *files, *flags]) == 1
        assert words in capsys.readouterr().err.splitlines()[-1]
