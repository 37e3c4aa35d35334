"""A person is trained once, found again by content, and goes on where the training stopped."""

import errno
import json
import os
import resource
import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import ExifTags, Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.composing import ComposeConfig, inpaint
from facea_core.errors import AssetError, ConfigError, TrainingError
from facea_core.identity import identity_tensors, load_identity, save_identity
from facea_core.identity.subject import Subject
from facea_core.identity_store import runs
from facea_core.identity_store.store import (
    KEPT_OLDER,
    KEPT_RUNS,
    Trained,
    find_identity,
    train_once,
)
from facea_core.io.tensor_files import SEAL
from facea_core.training import Plan, TrainConfig, face_previewer, plan_training
from facea_core.training.state import STATE_FILE, saved_step
from facea_core.training.writer import settle
from facea_core.types import Box, FaceAttributes, Identity, Part, Photo

CONFIG = TrainConfig(
    attributes="eyes",
    steps=4,
    batch=1,
    rank=2,
    variants=1,
    report_every=2,
    preview_every=2,
    preview_share=1.0,
)
SHORT = replace(CONFIG, steps=1, seed=1)


class Stop(Exception):
    """What a host raises to cancel."""


def make_backbone() -> Backbone:
    """The miniature at a quarter of its resolution: the same laws in a fraction of the time."""
    whole = random_backbone(0)
    return replace(whole, spec=replace(whole.spec, resolution=32))


def make_photo() -> Photo:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    parts = (Part("eyes", Box(24, 26, 41, 31), 0.9),)
    return Photo(image, FaceAttributes((64, 64), Box(20, 15, 45, 50), 0.9, parts), name="photo")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """One for all: training gives it back as it was."""
    return make_backbone()


def learn(backbone: Backbone, place: Path, **changes) -> Trained:
    """Ada, with her identities in `place`/facea and unfinished runs in `place`/runs."""
    photo, config = changes.pop("photo", None) or make_photo(), changes.pop("config", CONFIG)
    paint = face_previewer(
        inpaint, ComposeConfig(steps=1, cfg=1.0), photo, backbone, config, subject=Subject("ada")
    )
    options = {"name": "ada", "class_noun": "woman", "previewer": paint, **changes}
    try:
        subject = Subject(options.pop("name", "ada"), options.pop("class_noun", "person"))
        return train_once(
            [photo], backbone, config, place / "facea", place / "runs", subject, **options
        )
    finally:
        settle()


def begins(backbone: Backbone, place: Path, **changes) -> bool:
    """Whether this call trains; stopped before it does."""

    def stop(done: int, total: int) -> None:
        raise Stop

    try:
        learn(backbone, place, on_tick=stop, on_encode=stop, **changes)
    except Stop:
        return True
    return False


def files(folder: Path) -> dict[str, bytes]:
    paths = folder.iterdir() if folder.exists() else ()
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def same(one: Identity, other: Identity) -> bool:
    mine, theirs = identity_tensors(one), identity_tensors(other)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


@pytest.fixture(scope="module")
def first(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Ada, trained without a break."""
    return learn(backbone, tmp_path_factory.mktemp("first"))


@pytest.fixture
def place(first: Trained, tmp_path: Path) -> Path:
    """A copy of the place in which Ada was trained."""
    shutil.copytree(first.path.parent, tmp_path / "facea")
    return tmp_path


# Once


def test_a_training_leaves_three_files_and_says_what_it_did(first: Trained):
    assert sorted(files(first.path.parent)) == ["ada.jpg", "ada.json", "ada.safetensors"]
    assert files(first.path.parents[1] / "runs") == {}
    record = first.record
    assert (record["steps"], record["steps_run"], record["resumed_from"]) == (4, 4, 0)
    assert (record["cached"], record["photos"], record["name"]) == (False, 1, "ada")
    assert [step for step, _ in record["losses"]] == [2, 4]
    assert record["loss"] == pytest.approx(record["losses"][-1][1], abs=1e-6)
    assert record["origin"] == first.identity.meta.origin
    assert record["saved"].endswith("1/1 words")
    assert record["seconds"] > 0
    assert record["mode"].startswith("eager")
    assert record["plan"].startswith("facea-tiny 32 px, ")
    # The photo and the previews of steps 2 and 4, side by side.
    assert first.sheet.shape[-1] == 3 * 256 + 4 * 20


def test_the_same_call_trains_once_whoever_asks(first: Trained, place: Path):
    before = files(place / "facea")
    assert not begins(make_backbone(), place)
    again = learn(make_backbone(), place)
    assert same(again.identity, first.identity)
    assert again.identity.meta == first.identity.meta
    assert again.path == place / "facea" / "ada.safetensors"
    assert (again.record["steps_run"], again.record["steps"]) == (0, 4)
    assert again.record["cached"]
    assert again.record["loss"] == first.record["loss"]
    assert torch.equal(again.plot, first.plot)
    assert torch.allclose(again.sheet.mean((2, 3)), first.sheet.mean((2, 3)), atol=0.01)
    assert again.sheet.shape == first.sheet.shape
    assert files(place / "facea") == before


def brighter(photo: Photo) -> Photo:
    image = photo.image.clone()
    image[0, 0, 3, 5] += 0.01
    return replace(photo, image=image)


def moved(photo: Photo, **parts) -> Photo:
    return replace(photo, attributes=replace(photo.attributes, **parts))


@pytest.mark.parametrize(
    "changes",
    [
        {"photo": brighter(make_photo())},
        {"photo": moved(make_photo(), face=Box(20, 15, 45, 51))},
        {"photo": moved(make_photo(), parts=(Part("eyes", Box(24, 26, 41, 32), 0.9),))},
        {"config": replace(CONFIG, lora_lr=1e-3)},
        {"config": replace(CONFIG, seed=1)},
        {"config": replace(CONFIG, steps=5)},
        {"name": "eve"},
        {"class_noun": "girl"},
    ],
    ids=["pixel", "face", "part", "rate", "seed", "steps", "name", "noun"],
)
def test_what_matters_trains_anew(backbone: Backbone, place: Path, changes: dict):
    before = files(place / "facea")
    assert begins(backbone, place, **changes)
    assert files(place / "facea") == before


@pytest.mark.parametrize("module", ["unet", "vae", "clip_l"])
def test_another_weight_anywhere_trains_anew(backbone: Backbone, place: Path, module: str):
    patched = replace(
        backbone,
        unet=deepcopy(backbone.unet),
        vae=deepcopy(backbone.vae),
        text=replace(backbone.text, encoders=deepcopy(backbone.text.encoders)),
    )
    names = {
        "unet": (patched.unet, "mid_block.attentions.0.transformer_blocks.0.attn2.to_v.weight"),
        "vae": (patched.vae, "decoder.layers.0.weight"),
        "clip_l": (patched.text.encoders["clip_l"], "layers.1.self_attn.q_proj.weight"),
    }
    owner, ending = names[module]
    (weight,) = (value for name, value in owner.named_parameters() if name.endswith(ending))
    assert not begins(patched, place)
    with torch.no_grad():
        weight.mul_(1.002)
    assert begins(patched, place)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": replace(CONFIG, report_every=1)},
        {"config": replace(CONFIG, preview_every=0, save_every=1)},
        {"photo": replace(make_photo(), name="IMG_0001", notes=("rotated",))},
    ],
    ids=["reports", "previews", "photo name"],
)
def test_what_does_not_matter_is_found(backbone: Backbone, place: Path, changes: dict):
    assert not begins(backbone, place, **changes)


def test_an_identity_is_found_under_any_name_among_strangers(first: Trained, place: Path):
    key, folder = first.record["origin"], place / "facea"
    assert find_identity(folder, "ada", key) == folder / "ada.safetensors"
    (folder / "ada.safetensors").rename(folder / "ada-at-the-sea.safetensors")
    (folder / "ada-1.safetensors").write_bytes(b"no identity")
    (folder / "ada.safetensors").mkdir()
    assert find_identity(folder, "ada", key) == folder / "ada-at-the-sea.safetensors"
    assert find_identity(folder, "ada", key[::-1]) is None
    assert find_identity(folder, "bob", key) is None
    assert find_identity(place / "none", "ada", key) is None


@pytest.mark.parametrize("name", ["", "Ada", "../ada", "/ada", "**", "a[d]a"])
def test_a_name_that_is_no_word_is_refused_before_anything_else(
    backbone: Backbone, tmp_path: Path, name: str
):
    with pytest.raises(ConfigError, match="may hold only"):
        learn(backbone, tmp_path, name=name)
    assert list(tmp_path.iterdir()) == []


# The older ones


def test_another_training_of_the_name_keeps_the_older_one(
    backbone: Backbone, first: Trained, place: Path
):
    folder, before = place / "facea", files(place / "facea")
    other = learn(backbone, place, config=SHORT)
    assert other.path == folder / "ada.safetensors"
    assert not same(other.identity, first.identity)
    older = f"ada-{first.record['origin'][:8]}"
    kept = {name: data for name, data in files(folder).items() if name.startswith(older)}
    assert kept == {name.replace("ada", older, 1): data for name, data in before.items()}
    assert len(files(folder)) == 6

    # Back to the first settings, and forth: nothing is trained, and who is asked for is in place.
    after = files(folder)
    back = learn(backbone, place)
    assert (back.record["cached"], back.path) == (True, other.path)
    assert {name: data for name, data in files(folder).items() if name in before} == before
    assert same(back.identity, first.identity)
    assert torch.equal(back.plot, first.plot)
    assert back.sheet.shape == first.sheet.shape
    newer = f"ada-{other.record['origin'][:8]}"
    pushed = {name: files(folder)[name.replace("ada", newer, 1)] for name in before}
    assert pushed == {name: after[name] for name in before}
    assert learn(backbone, place, config=SHORT).path == other.path
    # Each under its own long name, and the one that was asked for last under the plain one.
    assert {name: files(folder)[name] for name in after} == after
    assert len(files(folder)) == 9


@pytest.mark.parametrize("damaged", [lambda data: data[:-1], lambda data: b"", lambda data: b"{}"])
def test_a_damaged_file_is_not_found(backbone: Backbone, place: Path, damaged: Callable):
    path = place / "facea" / "ada.safetensors"
    path.write_bytes(damaged(path.read_bytes()))
    assert begins(backbone, place)


def test_an_identity_with_damaged_values_is_learned_anew_and_once(backbone: Backbone, place: Path):
    path = place / "facea" / "ada.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-4] + b"\xff\xff\xff\xff")
    done = learn(backbone, place)
    assert (done.record["cached"], done.record["steps_run"]) == (False, 4)
    assert path.read_bytes() == data
    # Once is enough, whatever became of the damaged one.
    assert not begins(backbone, place)


GONE = None


@pytest.mark.parametrize(
    "beside",
    [
        {"ada.jpg": GONE, "ada.json": GONE},
        {"ada.jpg": GONE},
        {"ada.jpg": b"\xff\xd8\xff\xe0"},
        {"ada.json": GONE},
        {"ada.json": b"{"},
        {"ada.json": b"\xff\xfe"},
        {"ada.json": b"[]"},
        {"ada.json": b'{"activation text": "ada"}'},
        {"ada.json": b'{"facea": null}'},
        {"ada.json": b'{"facea": {"losses": null}}'},
        {"ada.json": b'{"facea": {"losses": [["a", 1]]}}'},
    ],
    ids=lambda beside: " ".join(f"{name} {data!r}" for name, data in beside.items()),
)
def test_what_lies_beside_may_be_gone_or_damaged(
    backbone: Backbone, first: Trained, place: Path, beside: dict[str, bytes | None]
):
    for name, data in beside.items():
        path = place / "facea" / name
        path.unlink() if data is None else path.write_bytes(data)
    found = learn(backbone, place)
    assert (found.record["cached"], found.record["steps_run"]) == (True, 0)
    assert same(found.identity, first.identity)
    assert found.sheet.shape[:2] == found.plot.shape[:2] == (1, 3)
    if "ada.json" not in beside:
        assert torch.equal(found.plot, first.plot)
    if "ada.jpg" not in beside:
        assert found.sheet.shape == first.sheet.shape


def test_lora_managers_can_read_the_record(first: Trained):
    about = json.loads(first.path.with_suffix(".json").read_text("utf-8"))
    assert about["activation text"] == first.identity.meta.prompt
    assert "embedding:ada/eyes" in about["activation text"]
    assert about["preferred weight"] == 1.0
    assert about["sd version"] == "Unknown"
    assert "ada" in about["description"]
    assert about["facea"]["origin"] == first.record["origin"]


def test_the_picture_says_that_it_was_generated(first: Trained):
    with Image.open(first.path.with_suffix(".jpg")) as picture:
        exif = picture.getexif()
    assert exif[ExifTags.Base.Software].startswith("FaceA")
    assert "not a photograph" in exif[ExifTags.Base.ImageDescription]


# Stopped


def stopping(backbone: Backbone, where: str, step: int) -> dict[str, Callable]:
    """Callbacks for `learn` of which one raises at this step."""
    now = 0
    config = ComposeConfig(steps=1, cfg=1.0)
    paint = face_previewer(inpaint, config, make_photo(), backbone, CONFIG, subject=Subject("ada"))

    def raise_at(place: str, done: int) -> None:
        if (place, done) == (where, step):
            raise Stop

    def on_tick(done: int, total: int) -> None:
        nonlocal now
        now = done
        raise_at("tick", done)

    def previewer(words):
        raise_at("preview", now)
        return paint(words)

    return {
        "on_tick": on_tick,
        "previewer": previewer,
        "on_step": lambda report: raise_at("report", report.step),
    }


@pytest.mark.parametrize(
    ("where", "step"), [("tick", 1), ("report", 2), ("preview", 2), ("tick", 4)]
)
def test_a_stopped_training_goes_on_and_nothing_shows_it(
    backbone: Backbone, first: Trained, tmp_path: Path, where: str, step: int
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, where, step))
    assert files(tmp_path / "facea") == {}
    assert saved_step(tmp_path / "runs" / first.record["origin"]) == step
    ticks = []
    done = learn(make_backbone(), tmp_path, on_tick=lambda *at: ticks.append(at))
    assert [done for done, _ in ticks if done] == list(range(step + 1, 5))
    assert done.path.read_bytes() == first.path.read_bytes()
    assert (done.record["resumed_from"], done.record["steps_run"]) == (step, 4 - step)
    assert not done.record["cached"]
    assert done.record["threads"] == first.record["threads"] == [1]
    assert done.record["losses"] == first.record["losses"]
    assert torch.equal(done.sheet, first.sheet)
    assert torch.equal(done.plot, first.plot)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["finished"]


def test_a_power_cut_costs_steps_and_nothing_else(
    backbone: Backbone, first: Trained, tmp_path: Path
):
    run, aside = tmp_path / "runs" / first.record["origin"], tmp_path / "aside"

    def cut(done: int, total: int) -> None:
        if done == 3:
            # What is on the disk at this moment: the state of step 0, the report of step 2.
            shutil.copytree(run, aside)
            raise Stop

    with pytest.raises(Stop):
        learn(backbone, tmp_path, on_tick=cut)
    shutil.rmtree(run)
    aside.rename(run)
    assert saved_step(run) == 0
    done = learn(backbone, tmp_path)
    assert done.path.read_bytes() == first.path.read_bytes()
    assert done.record["steps_run"] == 4
    assert done.record["losses"] == first.record["losses"]
    assert torch.equal(done.sheet, first.sheet)


def test_going_on_with_other_threads_is_noted(
    backbone: Backbone, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, "tick", 3))
    torch.set_num_threads(2)
    try:
        done = learn(backbone, tmp_path, previewer=None)
    finally:
        torch.set_num_threads(1)
    assert done.record["resumed_from"] == 3
    assert done.record["threads"] == [1, 2]
    assert "another number of threads than before (1, 2)" in caplog.text


def test_stopped_before_the_first_step_leaves_nothing(backbone: Backbone, tmp_path: Path):
    assert begins(backbone, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_the_newest_unfinished_trainings_stay_and_the_one_that_goes_on(
    backbone: Backbone, tmp_path: Path
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, config=SHORT, **stopping(backbone, "tick", 1))
    (mine,) = (tmp_path / "runs").glob(f"*/{STATE_FILE}")
    os.utime(mine, (0, 0))
    for age in range(KEPT_RUNS + 3):
        state = tmp_path / "runs" / f"{age:016}" / STATE_FILE
        state.parent.mkdir(parents=True)
        state.write_bytes(b"state")
        os.utime(state, (1e9 - age, 1e9 - age))
    assert learn(backbone, tmp_path, config=SHORT).record["resumed_from"] == 1
    left = sorted(path.name for path in (tmp_path / "runs").glob("0*"))
    # The one that went on counted among them.
    assert left == [f"{age:016}" for age in range(KEPT_RUNS - 1)]


# Nowhere to write


def test_a_folder_that_cannot_be_written_stops_before_the_first_step(
    backbone: Backbone, tmp_path: Path
):
    (tmp_path / "facea").write_text("in the way")
    ticks = []
    with pytest.raises(AssetError, match="facea"):
        learn(backbone, tmp_path, on_tick=lambda *at: ticks.append(at))
    assert ticks == []
    assert [path.name for path in tmp_path.iterdir()] == ["facea"]


def test_a_full_disk_stops_before_the_first_step_and_changes_nothing(
    backbone: Backbone, place: Path
):
    before, ticks = files(place / "facea"), []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(AssetError, match="facea"):
            learn(backbone, place, config=SHORT, on_tick=lambda *at: ticks.append(at))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ticks == []
    assert files(place / "facea") == before
    assert not (place / "runs").exists()


def test_a_disk_that_is_full_at_the_end_leaves_the_older_identity(
    backbone: Backbone, place: Path, monkeypatch: pytest.MonkeyPatch
):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc, which knows what is written where")
    before, flush = files(place / "facea"), os.fsync

    def full(descriptor: int) -> None:
        if (place / "facea") in Path(os.readlink(f"/proc/self/fd/{descriptor}")).parents:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    with monkeypatch.context() as patch, pytest.raises(AssetError, match="No space left"):
        learn(
            backbone, place, config=SHORT, on_step=lambda report: patch.setattr(os, "fsync", full)
        )
    assert files(place / "facea") == before

    # With room again, what was learned is saved without another step.
    done = learn(backbone, place, config=SHORT)
    assert (done.record["steps_run"], done.record["resumed_from"]) == (0, 1)
    assert find_identity(place / "facea", "ada", done.record["origin"]) == done.path


@pytest.mark.parametrize("ending", [".safetensors", ".jpg", ".json"])
def test_an_older_identity_that_cannot_be_moved_away_stays_whole(
    backbone: Backbone, first: Trained, place: Path, ending: str
):
    before = files(place / "facea")
    in_the_way = place / "facea" / f"ada-{first.record['origin'][:8]}{ending}"
    in_the_way.mkdir()
    with pytest.raises(AssetError, match="cannot move the older"):
        learn(backbone, place, config=SHORT)
    assert files(place / "facea") == before
    in_the_way.rmdir()
    assert learn(backbone, place, config=SHORT).record["steps_run"] == 0
    assert before[f"ada{ending}"] == in_the_way.read_bytes()


# Words


def test_words_and_lora_of_a_name_are_of_one_person_whichever_was_asked_for(
    backbone: Backbone, tmp_path: Path
):
    words = tmp_path / "embeddings"
    short = replace(SHORT, embedding_lr=1e-2)
    for seed in (1, 2, 1):
        done = learn(backbone, tmp_path, config=replace(short, seed=seed), words=words)
        assert done.record["cached"] == (len(list((tmp_path / "facea").glob("*.json"))) == 3)
        (word,) = load_identity(tmp_path / "facea" / "ada.safetensors").words
        assert torch.equal(word.vectors["clip_l"], done.identity.words[0].vectors["clip_l"])
        written = load_file(words / "ada" / "eyes.safetensors")["clip_l"]
        assert torch.equal(written, word.vectors["clip_l"])


def test_words_that_cannot_be_written_stop_before_the_first_step(
    backbone: Backbone, tmp_path: Path
):
    (tmp_path / "embeddings").write_text("in the way")
    ticks = []
    with pytest.raises(AssetError, match="embeddings"):
        learn(
            backbone, tmp_path, words=tmp_path / "embeddings", on_tick=lambda *at: ticks.append(at)
        )
    assert ticks == []
    assert [path.name for path in tmp_path.iterdir()] == ["embeddings"]


# Another resolution


def plan_at(backbone: Backbone, config: TrainConfig, resolution: int) -> Plan:
    return replace(
        plan_training(backbone.spec, config, backbone.dtype, None), resolution=resolution
    )


def test_what_little_memory_made_small_is_not_the_answer_where_there_is_more(
    backbone: Backbone, tmp_path: Path
):
    small, whole = (plan_at(backbone, SHORT, side) for side in (16, 32))
    done = learn(backbone, tmp_path, config=SHORT, plan=small)
    assert (done.identity.meta.resolution, done.record["cached"]) == (16, False)
    assert learn(backbone, tmp_path, config=SHORT, plan=small).record["cached"]
    again = learn(backbone, tmp_path, config=SHORT, plan=whole)
    assert (again.identity.meta.resolution, again.record["cached"]) == (32, False)
    assert again.record["notes"] == []
    # Each is found where its resolution is what memory allows.
    for plan, identity in ((small, done.identity), (whole, again.identity)):
        found = learn(backbone, tmp_path, config=SHORT, plan=plan)
        assert found.record["cached"]
        assert same(found.identity, identity)


def test_who_learned_smaller_for_memory_ran_out_on_the_way_is_found_and_it_says_so(
    backbone: Backbone, tmp_path: Path
):
    spec = replace(backbone.spec, resolution=128)
    large = replace(backbone, spec=spec)

    def out_of_memory(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].shape[-1] > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")

    hook = backbone.unet.register_forward_pre_hook(out_of_memory)
    try:
        done = learn(large, tmp_path, config=SHORT, previewer=None)
    finally:
        hook.remove()
    assert (done.identity.meta.resolution, done.record["cached"]) == (64, False)
    assert not begins(large, tmp_path, config=SHORT)
    for notes in (done.record["notes"], learn(large, tmp_path, config=SHORT).record["notes"]):
        assert any("learned at 64 px" in note for note in notes)


def rewritten(path: Path, **training) -> None:
    """The identity as an earlier version wrote it: no checksum, and it says no resolution."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    del metadata[SEAL]
    about = json.loads(metadata["facea.meta"])
    del about["training"]["resolution"]
    about["training"].update(training)
    save_file(load_file(path), path, {**metadata, "facea.meta": json.dumps(about)})


def test_files_of_before_are_found_where_their_resolution_was_the_one_asked(
    backbone: Backbone, tmp_path: Path
):
    whole = plan_at(backbone, SHORT, 32)
    path = learn(backbone, tmp_path, config=SHORT, plan=whole).path
    rewritten(path)
    assert load_identity(path).meta.resolution == 0
    assert learn(backbone, tmp_path, config=SHORT, plan=whole).record["cached"]
    path.with_suffix(".json").unlink()
    assert learn(backbone, tmp_path, config=SHORT, plan=whole).record["cached"]


def test_a_file_of_before_whose_record_says_it_is_smaller_is_passed_over_and_kept(
    backbone: Backbone, tmp_path: Path
):
    small, whole = (plan_at(backbone, SHORT, side) for side in (16, 32))
    asked = learn(backbone, tmp_path, config=replace(SHORT, seed=7), plan=whole)
    done = learn(backbone, tmp_path, config=SHORT, plan=small)
    key = learn(backbone, tmp_path / "other", config=SHORT, plan=whole).record["origin"]
    assert key != done.record["origin"] != asked.record["origin"]
    rewritten(done.path, origin=key)
    before = done.path.read_bytes()
    again = learn(backbone, tmp_path, config=SHORT, plan=whole)
    assert (again.record["cached"], again.identity.meta.resolution) == (False, 32)
    learn(backbone, tmp_path, config=replace(SHORT, seed=3), plan=whole)
    kept = {name: data for name, data in files(tmp_path / "facea").items() if key[:8] in name}
    assert before in kept.values()
    assert sum(name.endswith(".safetensors") for name in kept) == 2


# States that no run can go on from


def cut_short(state: Path) -> None:
    state.write_bytes(state.read_bytes()[:-7])


def of_before(state: Path) -> None:
    """As an earlier version wrote it."""
    with safe_open(state, framework="pt") as file:
        about = json.loads(file.metadata()["facea.state"])
    about["format"] = 1
    save_file(load_file(state), state, {"facea.state": json.dumps(about)})


def of_other_layers(state: Path) -> None:
    with safe_open(state, framework="pt") as file:
        about = json.loads(file.metadata()["facea.state"])
    about["layout"]["lora"] = "another"
    save_file(load_file(state), state, {"facea.state": json.dumps(about)})


@pytest.mark.parametrize("spoil", [cut_short, of_before, of_other_layers])
def test_a_state_that_cannot_be_used_is_set_aside_and_the_training_begins_anew(
    backbone: Backbone, first: Trained, tmp_path: Path, spoil: Callable[[Path], None]
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, "tick", 3))
    (state,) = (tmp_path / "runs").glob(f"*/{STATE_FILE}")
    spoil(state)
    spoilt = state.read_bytes()
    done = learn(backbone, tmp_path)
    assert (done.record["resumed_from"], done.record["steps_run"]) == (0, 4)
    assert done.path.read_bytes() == first.path.read_bytes()
    (note,) = done.record["notes"]
    (aside,) = (tmp_path / "runs").glob("*.damaged")
    assert str(aside) in note
    assert aside.read_bytes() == spoilt
    # Once is enough: whoever asks again has nothing to hear.
    assert learn(backbone, tmp_path).record["notes"] == []


def test_a_state_that_cannot_be_read_now_stays(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, "tick", 3))
    (state,) = (tmp_path / "runs").glob(f"*/{STATE_FILE}")
    before = state.read_bytes()

    def denied(path: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(runs, "open", denied, raising=False)
        with pytest.raises(AssetError, match="Permission denied.*left"):
            learn(backbone, tmp_path)
    assert state.read_bytes() == before
    assert learn(backbone, tmp_path).record["resumed_from"] == 3


def test_a_state_of_a_newer_version_stays_and_it_says_so(backbone: Backbone, tmp_path: Path):
    with pytest.raises(Stop):
        learn(backbone, tmp_path, **stopping(backbone, "tick", 3))
    (state,) = (tmp_path / "runs").glob(f"*/{STATE_FILE}")
    with safe_open(state, framework="pt") as file:
        about = json.loads(file.metadata()["facea.state"])
    save_file(load_file(state), state, {"facea.state": json.dumps({**about, "format": 99})})
    before = state.read_bytes()
    with pytest.raises(TrainingError, match="newer version"):
        learn(backbone, tmp_path)
    assert state.read_bytes() == before


# Left behind


def test_only_the_newest_of_the_older_trainings_stay(
    backbone: Backbone, first: Trained, place: Path
):
    folder = place / "facea"
    for age in range(KEPT_OLDER + 3):
        older = folder / f"ada-{age:08x}.safetensors"
        meta = replace(first.identity.meta, origin=f"{age:08x}{age:08x}")
        save_identity(replace(first.identity, meta=meta), older)
        older.with_suffix(".jpg").write_bytes(b"picture")
        os.utime(older, (1e9 - age, 1e9 - age))
    # What is not of FaceA's naming, or of somebody else, is not its to delete.
    words = tuple(
        replace(word, placeholder=word.placeholder.replace("ada/", "bob/"))
        for word in first.identity.words
    )
    theirs = replace(first.identity, name="bob", words=words)
    for name, identity in (("ada-at-the-sea", first.identity), ("ada-00000bad", theirs)):
        save_identity(identity, folder / f"{name}.safetensors")
        os.utime(folder / f"{name}.safetensors", (1, 1))
    done = learn(backbone, place, config=SHORT)
    left = {path.stem for path in folder.glob("*.safetensors")}
    own = {f"ada-{first.record['origin'][:8]}"}
    # The one that was pushed aside just now is the newest.
    kept = {f"ada-{age:08x}" for age in range(KEPT_OLDER - 1)}
    assert left == {"ada", "ada-at-the-sea", "ada-00000bad"} | own | kept
    assert {path.stem for path in folder.glob("ada-0*.jpg")} == kept
    assert len(done.record["notes"]) == 4
    assert all("deleted" in note for note in done.record["notes"])


def test_what_killed_writers_left_is_removed_and_what_living_ones_write_stays(
    backbone: Backbone, tmp_path: Path
):
    for place in ("runs/dead", "runs/living", "facea", "embeddings/ada"):
        (tmp_path / place).mkdir(parents=True)
    dead = [
        tmp_path / "runs" / "dead" / ".state.0123456789ab.tmp.safetensors",
        tmp_path / "runs" / "dead.lock",
        tmp_path / "facea" / ".ada.0123456789ab.tmp.safetensors",
        tmp_path / "embeddings" / "ada" / ".eyes.0123456789ab.tmp.safetensors",
    ]
    living = [
        tmp_path / "runs" / "living" / ".state.0123456789ab.tmp.safetensors",
        tmp_path / "facea" / ".eve.0123456789ab.tmp.safetensors",
        tmp_path / "embeddings" / "ada" / ".nose.0123456789ab.tmp.safetensors",
    ]
    for file in dead + living:
        file.write_bytes(b"half")
    os.utime(dead[3], (1e9, 1e9))
    with runs.at_work(tmp_path / "runs" / "living", lambda: None):
        learn(backbone, tmp_path, config=SHORT, words=tmp_path / "embeddings")
    assert [file for file in dead if file.exists()] == []
    assert [file for file in living if not file.exists()] == []
    assert not (tmp_path / "runs" / "dead").exists()
