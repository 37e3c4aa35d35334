"""Who asks for more steps of the same goes on, and gets what one long training would have given."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facea_core.backbone import Backbone
from facea_core.errors import StateError
from facea_core.identity.subject import Subject
from facea_core.identity_store.runs import KEPT_FINISHED
from facea_core.training import train_identity
from facea_core.training.state import STATE_FILE, saved_step

from ...unit.photos import small_photo
from .learning import CONFIG, Stop, files, learn, same

LONG = replace(CONFIG, steps=6)


@pytest.fixture(scope="module")
def straight(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory):
    """Six steps without a break."""
    return learn(backbone, tmp_path_factory.mktemp("straight"), config=LONG)


@pytest.fixture(scope="module")
def four(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where four steps were trained, with the state that a longer run goes on from."""
    place = tmp_path_factory.mktemp("four")
    learn(backbone, place)
    return place


@pytest.fixture
def short(four: Path, tmp_path: Path) -> Path:
    """A copy of that place."""
    return shutil.copytree(four, tmp_path / "short")


def test_more_steps_go_on_with_the_bytes_of_one_long_training(backbone, straight, short: Path):
    longer = learn(backbone, short, config=LONG)
    assert (longer.record["resumed_from"], longer.record["steps_run"]) == (4, 2)
    assert longer.path.read_bytes() == straight.path.read_bytes()
    assert dict(straight.record["losses"]).items() <= dict(longer.record["losses"]).items()
    # The shorter one is still found, and so is the longer one.
    assert learn(backbone, short).record["cached"]
    assert learn(backbone, short, config=LONG).record["cached"]


def test_a_stopped_training_is_gone_on_with_by_a_longer_and_by_a_shorter_one(
    backbone: Backbone, straight, tmp_path: Path
):
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        learn(backbone, tmp_path, config=LONG, on_tick=stop)
    shorter = learn(backbone, tmp_path)
    assert (shorter.record["resumed_from"], shorter.record["steps_run"]) == (3, 1)
    # The stopped one waits where it was.
    assert {saved_step(path.parent) for path in (tmp_path / "runs").rglob(STATE_FILE)} == {3, 4}
    whole = learn(backbone, tmp_path, config=LONG)
    assert whole.record["resumed_from"] == 3, "its own state comes first"
    assert whole.path.read_bytes() == straight.path.read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"decay": "cosine"},
        {"seed": 1},
        {"rank": 3},
        {"variants": 7},
        {"steps": 3},
    ],
    ids=str,
)
def test_what_a_longer_run_would_do_otherwise_begins_anew(
    backbone: Backbone, short: Path, tmp_path: Path, changes: dict
):
    before = replace(CONFIG, **{**changes, "steps": 4, "seed": 0, "rank": 2})
    if before == CONFIG:
        place = short
    else:
        place = tmp_path
        learn(backbone, place, previewer=None, config=before)
    other = learn(backbone, place, previewer=None, config=replace(LONG, **changes))
    assert other.record["resumed_from"] == 0


def test_only_the_newest_finished_states_stay(backbone: Backbone, tmp_path: Path):
    for seed in range(KEPT_FINISHED + 2):
        learn(backbone, tmp_path, config=replace(CONFIG, steps=1, seed=seed))
    kept = list((tmp_path / "runs" / "finished").glob(f"*/{STATE_FILE}"))
    assert len(kept) == KEPT_FINISHED
    newest = learn(backbone, tmp_path, config=replace(CONFIG, steps=2, seed=KEPT_FINISHED + 1))
    assert newest.record["resumed_from"] == 1
    oldest = learn(backbone, tmp_path, config=replace(CONFIG, steps=2, seed=0))
    assert oldest.record["resumed_from"] == 0


def test_a_finished_state_that_is_damaged_costs_steps_and_nothing_else(
    backbone: Backbone, straight, short: Path
):
    (state,) = (short / "runs" / "finished").glob(f"*/{STATE_FILE}")
    state.write_bytes(state.read_bytes()[:-1] + b"?")
    longer = learn(backbone, short, config=LONG)
    assert longer.record["resumed_from"] == 0
    assert longer.path.read_bytes() == straight.path.read_bytes()
    assert any("began anew" in note for note in longer.record["notes"])


def test_a_state_that_says_nonsense_is_passed_over(backbone: Backbone, tmp_path: Path):
    for number, nonsense in enumerate((b"", b"nonsense", json.dumps({"step": 1}).encode())):
        folder = tmp_path / "runs" / "finished" / f"{number}"
        folder.mkdir(parents=True)
        (folder / STATE_FILE).write_bytes(nonsense)
    assert learn(backbone, tmp_path).record["resumed_from"] == 0


def test_the_core_goes_on_in_the_same_folder_and_says_what_it_cannot(
    backbone: Backbone, straight, tmp_path: Path
):
    def train(config, resume=True):
        return train_identity(
            [small_photo()], backbone, config, Subject("ada", "woman"),
            run_dir=tmp_path, resume=resume,
        )  # fmt: skip

    train(CONFIG, resume=False)
    assert same(train(LONG), straight.identity)
    before = files(tmp_path)
    with pytest.raises(StateError, match="at step 6, and 4 are asked for; ask for more"):
        train(CONFIG)
    with pytest.raises(StateError, match="decay"):
        train(replace(LONG, decay="cosine", steps=9))
    assert files(tmp_path) == before
    assert torch.get_num_threads() == 1
