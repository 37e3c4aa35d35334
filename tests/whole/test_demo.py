"""The demo draws unseen people from its seed and writes four files, or none."""

import json

import pytest
import torch
from PIL import Image

from facea_core.cli import main
from facea_core.demo import HELDOUT, PHOTOS, draw_cast, run_demo
from facea_core.errors import AssetError
from facea_core.identity import load_identity
from facea_core.synthetic.render import class_noun, sample_people

FILES = ["identity.safetensors", "report.json", "result.png", "sheet.png"]


def test_the_cast_is_the_seeds():
    one, same, other = draw_cast(5), draw_cast(5), draw_cast(6)
    for name in ("photos", "heldout", "context", "answer"):
        assert torch.equal(getattr(one, name).image, getattr(same, name).image)
    assert not torch.equal(one.photos.image, other.photos.image)


@pytest.mark.parametrize("seed", range(4))
def test_one_person_in_all_photos_and_another_of_the_same_noun_in_the_context(seed: int):
    cast = draw_cast(seed)
    person, stranger = cast.photos.people[0], cast.context.people[0]
    everywhere = torch.cat([cast.photos.people, cast.heldout.people, cast.answer.people])
    assert everywhere.shape[0] == PHOTOS + HELDOUT + 1
    assert (everywhere == person).all()
    assert not torch.equal(person, stranger)
    assert class_noun(stranger) == class_noun(person) == cast.noun
    assert torch.equal(cast.context.scenes, cast.answer.scenes)


def test_nobody_in_the_demo_is_drawn_like_the_people_of_pre_training():
    """Those are the first numbers of a generator with a small seed."""
    known = [sample_people(1, torch.Generator().manual_seed(seed))[0] for seed in range(100)]
    for seed in range(5):
        person = draw_cast(seed, 16).photos.people[0]
        assert not any(torch.equal(person, other) for other in known)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("demo") / "out"
    stages: dict[str, list[tuple[int, int]]] = {}

    def on_progress(stage: str, done: int, total: int) -> None:
        stages.setdefault(stage, []).append((done, total))

    return folder, run_demo(folder, seed=3, steps=1, on_progress=on_progress), stages


def test_it_writes_its_files_and_its_figures(done):
    folder, result, stages = done
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert json.loads((folder / "report.json").read_text("utf-8")) == result
    for name in ("identity", "heldout"):
        assert -1 <= result[f"{name}_before"] <= 1
        assert -1 <= result[f"{name}_after"] <= 1
    assert result["outside_mask_max_abs_diff"] == 0
    assert {"detect", "train", "compose", "evaluate", "total"} <= set(result["seconds"])
    assert list(stages) == ["load", "detect", "train", "compose", "evaluate", "write"]
    assert stages["train"][-1] == (1, 1)


def test_a_part_that_is_not_found_in_one_photo_does_not_end_it(tmp_path):
    """In the first photo of person 411 the small detector finds no mouth."""
    report = run_demo(tmp_path / "demo", seed=411, steps=1)
    assert report["outside_mask_max_abs_diff"] == 0
    assert load_identity(tmp_path / "demo" / "identity.safetensors").word("mouth") is not None


def test_its_pictures_say_that_they_are_generated(done):
    for name in ("sheet.png", "result.png"):
        with Image.open(done[0] / name) as picture:
            assert str(picture.info["Software"]).startswith("FaceA")
            assert "Generated" in picture.info


def test_the_identity_knows_its_scores_and_comes_out_the_same_again(done, tmp_path):
    folder, result, _ = done
    scores = load_identity(folder / FILES[0]).meta.scores
    assert scores["heldout_after"] == result["heldout_after"]
    run_demo(tmp_path, seed=3, steps=1)
    assert (tmp_path / FILES[0]).read_bytes() == (folder / FILES[0]).read_bytes()


def test_stopped_it_leaves_nothing(tmp_path):
    def stop(stage: str, done: int, total: int) -> None:
        if stage == "train":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_demo(tmp_path / "out", steps=1, on_progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_refused_before_anything_else(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    with pytest.raises(AssetError, match="taken"):
        run_demo(tmp_path / "taken", on_progress=lambda *_: pytest.fail("it began"))
    assert main(["demo", "--out", str(tmp_path / "taken" / "deep")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
