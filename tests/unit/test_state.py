import errno
import json
import os
import resource
import signal
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import sleep

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file
from torch.optim.optimizer import register_optimizer_step_post_hook

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.errors import AssetError, TrainingError
from facea_core.identity import save_identity
from facea_core.identity.subject import Subject
from facea_core.io.tensor_files import checksum
from facea_core.training import TrainConfig, train_identity
from facea_core.training import state as states
from facea_core.training.state import STATE_FILE
from facea_core.training.writer import Writing, settle
from facea_core.types import Identity

from .photos import make_photo

CONFIG = TrainConfig(
    attributes="eyes", steps=5, batch=1, rank=2, variants=1, report_every=1, save_every=2,
    warmup=2, decay="linear",
)  # fmt: skip


@pytest.fixture
def backbone(backbone: Backbone) -> Backbone:
    """The miniature at a quarter of its resolution: the same laws in less time."""
    return replace(backbone, spec=replace(backbone.spec, resolution=32))


def train(backbone: Backbone, run_dir: Path | None, resume: bool = False, **changes) -> Identity:
    photos = changes.pop("photos", None) or [make_photo()]
    options = {k: changes.pop(k) for k in ("on_step", "subject") if k in changes}
    config = replace(CONFIG, **changes)
    return train_identity(photos, backbone, config, run_dir=run_dir, resume=resume, **options)


def saved_step(run_dir: Path) -> int:
    settle()
    with safe_open(run_dir / STATE_FILE, framework="pt") as file:
        return json.loads(file.metadata()["facea.state"])["step"]


def bytes_of(identity: Identity, path: Path) -> bytes:
    save_identity(identity, path)
    return path.read_bytes()


@pytest.fixture
def interruptible():
    """As in a terminal: what a shell runs in the background does not listen to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def signal_between_steps(backbone: Backbone, step: int):
    yield lambda report: signal.raise_signal(signal.SIGINT) if report.step == step else None


@contextmanager
def signal_while_predicting(backbone: Backbone, step: int):
    calls = []

    def count(*_):
        calls.append(None)
        if len(calls) == step + 1:
            signal.raise_signal(signal.SIGINT)

    handle = backbone.unet.mid_block.register_forward_hook(count)
    try:
        yield None
    finally:
        handle.remove()


@contextmanager
def signal_while_stepping(backbone: Backbone, step: int):
    """Right after the weights have moved, when nothing else knows of it yet."""
    calls = []

    def count(*_):
        calls.append(None)
        if len(calls) == step:
            signal.raise_signal(signal.SIGINT)

    handle = register_optimizer_step_post_hook(count)
    try:
        yield None
    finally:
        handle.remove()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    whole = random_backbone(0)
    small = replace(whole, spec=replace(whole.spec, resolution=32))
    return bytes_of(train(small, None), tmp_path_factory.mktemp("whole") / "a.safetensors")


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("interrupt", "step", "kept"),
    [
        (signal_between_steps, 1, 1),
        (signal_while_predicting, 3, 3),
        (signal_while_stepping, 4, 2),
    ],
)
def test_a_run_stopped_by_a_signal_and_resumed_gives_the_same_bytes(
    backbone: Backbone, tmp_path: Path, uninterrupted: bytes,
    interrupt: Callable, step: int, kept: int,
):  # fmt: skip
    run_dir = tmp_path / "run"
    with interrupt(backbone, step) as on_step, pytest.raises(KeyboardInterrupt):
        train(backbone, run_dir, on_step=on_step)
    assert saved_step(run_dir) == kept
    assert [p.name for p in run_dir.iterdir()] == [STATE_FILE]
    torch.manual_seed(99)
    steps = []
    identity = train(
        backbone, run_dir, resume=True, on_step=lambda report: steps.append(report.step)
    )
    # A step that nobody was told of is told first.
    assert steps == list(range(kept if on_step is None else kept + 1, 6))
    assert bytes_of(identity, tmp_path / "a.safetensors") == uninterrupted
    assert saved_step(run_dir) == 5


def test_a_finished_run_resumes_to_the_same_identity_and_a_changed_one_not_at_all(
    backbone: Backbone, tmp_path: Path, uninterrupted: bytes
):
    run_dir = tmp_path / "run"
    train(backbone, run_dir)
    again = train(backbone, run_dir, resume=True, report_every=3)
    data = bytes_of(
        replace(again, meta=replace(again.meta, config=CONFIG.to_dict())), tmp_path / "a"
    )
    assert data == uninterrupted

    state = run_dir / STATE_FILE
    kept = state.read_bytes()
    # As earlier versions write it, so that their unfinished runs go on.
    with safe_open(state, framework="pt") as file:
        said = json.loads(file.metadata()["facea.state"])["run"]["config"]
    assert {"words_rate", "lora_rate"} <= said.keys()
    for changes, named in (
        ({"batch": 2, "lora_lr": 1e-3}, "lora_lr: 0.00012 -> 0.001"),
        ({"batch": 2, "lora_lr": 1e-3}, "batch: 1 -> 2"),
        ({"photos": [make_photo(1)]}, "photos: "),
        ({"subject": Subject("bob")}, "name: 'person' -> 'bob'"),
        ({"subject": Subject("person", "man")}, "class_noun: 'person' -> 'man'"),
    ):
        with pytest.raises(TrainingError, match=named):
            train(backbone, run_dir, resume=True, **changes)
    with torch.no_grad():
        backbone.unet.conv_out.weight += 1
    with pytest.raises(TrainingError, match="backbone: "):
        train(backbone, run_dir, resume=True)
    assert state.read_bytes() == kept

    for damage, named in ((kept[:-1], "damaged"), (b"", "damaged"), (b"\x80\x04K\x01.", "damaged")):
        state.write_bytes(damage)
        with pytest.raises(TrainingError, match=named):
            train(backbone, run_dir, resume=True)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after two steps."""
    whole, run_dir = random_backbone(0), tmp_path_factory.mktemp("run")

    def stop(report) -> None:
        if report.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(replace(whole, spec=replace(whole.spec, resolution=32)), run_dir, on_step=stop)
    settle()
    return run_dir / STATE_FILE


def rewrite(state: Path, run_dir: Path, change: Callable[[dict], object]) -> None:
    """The state in another folder, changed as somebody would who forges checksums."""
    with safe_open(state, framework="pt") as file:
        about = json.loads(file.metadata()["facea.state"])
    tensors, text = load_file(state), change(about)
    text = text if isinstance(text, str) else json.dumps(about)
    metadata = {"facea.state": text, "facea.sha256": checksum(tensors, text)}
    if about["format"] == 2:
        del metadata["facea.sha256"]
    save_file(tensors, run_dir / STATE_FILE, metadata)


def test_every_number_of_a_state_counts(backbone: Backbone, tmp_path: Path, state: Path):
    data = state.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    for number in range(begin, len(data), len(data) // 20):
        changed = bytearray(data)
        changed[number] ^= 1
        (tmp_path / STATE_FILE).write_bytes(changed)
        with pytest.raises(TrainingError, match="damaged"):
            train(backbone, tmp_path, resume=True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda about: about.update(plan=3), "damaged"),
        (lambda about: about.update(plan=["resolution"]), "damaged"),
        (lambda about: about["plan"].update(resolution="64"), "damaged"),
        (lambda about: about.update(step=6), "at step 6, and 5 are asked for"),
        (lambda about: about.update(step="2"), "damaged"),
        (lambda about: about.update(step=-1), "damaged"),
        (lambda about: about.update(run=None), "damaged"),
        (lambda about: about.update(format="٣"), "damaged"),
        (lambda about: about.update(format=1), "older version"),
        (lambda about: about.update(format=4), "newer version"),
        (lambda about: "[" * 5000, "nested"),
        (lambda about: '{"step": ' * 3000 + "1" + "}" * 3000, "nested"),
        (lambda about: "null", "damaged"),
    ],
)
def test_what_no_state_says_is_refused(
    backbone: Backbone, tmp_path: Path, state: Path, change: Callable, named: str
):
    rewrite(state, tmp_path, change)
    states.saved_step(tmp_path)
    with pytest.raises(TrainingError, match=named):
        train(backbone, tmp_path, resume=True)


def test_a_state_from_before_there_were_checksums_is_gone_on_with(
    backbone: Backbone, tmp_path: Path, state: Path, uninterrupted: bytes
):
    rewrite(state, tmp_path, lambda about: about.update(format=2))
    identity = train(backbone, tmp_path, resume=True)
    assert bytes_of(identity, tmp_path / "a.safetensors") == uninterrupted


def test_a_state_that_cannot_be_read_is_not_called_damaged(
    backbone: Backbone, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / STATE_FILE).write_bytes(state.read_bytes())
    whole = os.open

    def refuse(path, *given, **options):
        if str(path).endswith(STATE_FILE):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return whole(path, *given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert states.saved_step(tmp_path) == 0
        with pytest.raises(TrainingError, match="Permission denied") as caught:
            train(backbone, tmp_path, resume=True)
    assert "delete" not in str(caught.value)
    assert (tmp_path / STATE_FILE).read_bytes() == state.read_bytes()


def test_nothing_to_resume_is_an_error_that_leaves_no_file(backbone: Backbone, tmp_path: Path):
    with pytest.raises(TrainingError, match="does not exist"):
        train(backbone, tmp_path / "run", resume=True)
    with pytest.raises(TrainingError, match="run directory"):
        train(backbone, None, resume=True)
    assert list(tmp_path.iterdir()) == []


def test_a_run_directory_that_cannot_be_written_stops_before_the_first_step(
    backbone: Backbone, tmp_path: Path
):
    (tmp_path / "file").write_text("")
    reports = []
    with pytest.raises(AssetError, match="file"):
        train(backbone, tmp_path / "file" / "run", on_step=reports.append)
    assert reports == []
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_disk_that_fills_up_keeps_the_older_state(backbone: Backbone, tmp_path: Path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(report) -> None:
        if report.step == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))

    try:
        with pytest.raises(AssetError, match=STATE_FILE):
            train(backbone, tmp_path, on_step=fill)
        settle()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saved_step(tmp_path) == 0
    assert [p.name for p in tmp_path.iterdir()] == [STATE_FILE]


def test_who_stops_a_run_does_not_wait_for_the_disk(
    backbone: Backbone, tmp_path: Path, monkeypatch
):
    stopped = Event()

    def slow(*given):
        assert stopped.wait(60)
        return save(*given)

    def stop(report) -> None:
        if report.step == 2:
            monkeypatch.setattr(states, "save", slow)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(backbone, tmp_path, on_step=stop)
    assert not stopped.is_set()  # yet the exception is here
    stopped.set()
    assert saved_step(tmp_path) == 2
    assert [p.name for p in tmp_path.iterdir()] == [STATE_FILE]


def test_a_state_that_is_being_written_is_waited_for(backbone: Backbone, tmp_path: Path):
    order = []

    def late() -> bytes:
        sleep(0.2)
        order.append("first")
        return b"1"

    path = tmp_path / STATE_FILE
    first = Writing(path, late)
    second = Writing(path, lambda: order.append("second") or b"2", first)
    assert states.saved_step(tmp_path) == 0  # it is no state, but it is there
    assert order == ["first", "second"]
    second.wait()
    assert path.read_bytes() == b"2"


def test_a_state_that_cannot_be_written_is_told_when_it_is_waited_for(tmp_path: Path):
    (tmp_path / "file").write_text("")
    writing = Writing(tmp_path / "file" / STATE_FILE, lambda: b"")
    with pytest.raises(AssetError, match="file"):
        writing.wait()
