"""Training inside ComfyUI: live pictures, cancel, go on, and never twice the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import monotonic

import pytest
from PIL import Image

from .client import Client, Event, Run
from .faces import outcome, training
from .fixtures import Tell
from .graph import Graph, Node
from .server import Server
from .trained import assert_kept, saved

STEPS, CANCEL_AT = 30, 12
PREVIEWS = 3  # at steps 10, 20 and 30


def states(host: Server) -> list[Path]:
    """Where unfinished runs keep what they need to go on, once nothing is being written."""
    user = host.base / "user"
    while any(".tmp" in path.name for path in user.glob("**/facea/runs/*/*")):
        time.sleep(0.05)
    return list(user.glob("**/facea/runs/*/state.safetensors"))


def cancel(
    client: Client, graph: Graph, trainer: Node, at: int, clock: Callable[[], float] = monotonic
) -> tuple[Run, int, float]:
    """Cancel the training once step `at` is reached: the run, its last step, seconds to the end."""
    asked: list[float] = []

    def on_event(event: Event) -> None:
        if not asked and steps_of([event], trainer)[-1:] >= [at]:
            asked.append(clock())
            client.interrupt()

    run = client.run(graph, on_event)
    ended = clock()
    assert run.interrupted, "the training ended before it was cancelled"
    return run, steps_of(run.events, trainer)[-1], ended - asked[0]


def steps_of(events: list[Event], trainer: Node) -> list[int]:
    """Values of the trainer's progress bar."""
    ticks = [event.data for event in events if event.kind == "progress"]
    return [tick["value"] for tick in ticks if tick["node"] == trainer.id]


@pytest.fixture(scope="module")
def straight(host: Server) -> tuple[Run, dict[str, bytes]]:
    """An uninterrupted training of "alex" and the bytes of its files, which are then deleted."""
    graph, trainer = training(name="alex", steps=STEPS, previews=PREVIEWS)
    with Client(host.url) as client:
        run = client.run(graph)
        assert outcome(run, trainer)["steps_run"] == STEPS
        client.free()
    files = saved(host, "alex")
    content = {kind: path.read_bytes() for kind, path in files.items()}
    for path in files.values():
        path.unlink()
    return run, content


def test_it_says_what_it_does_and_leaves_its_files(
    host: Server, straight: tuple[Run, dict[str, bytes]]
):
    run, content = straight
    _, trainer = training()
    said = outcome(run, trainer)
    assert said["path"].replace("\\", "/") == "facea/alex.safetensors"
    assert (said["steps"], said["resumed_from"], said["cached"]) == (STEPS, 0, False)
    assert said["seconds"] > 0
    assert said["loss"] > 0
    assert said["plan"].startswith("facea-tiny 128 px, ")
    assert said["mode"].startswith("eager")
    # How it fits in memory is told before the model is copied, and what 0 stood for at both ends.
    first, *_, last = (str(text.data) for text in run.of("text", trainer.id))
    assert "facea-tiny 128 px, " in first
    assert "learning from 3 photos; " in first
    asked = f"{STEPS} steps, batch 1, rank 4, words 0.01, LoRA 0.002"
    assert asked in first
    assert asked in last
    assert said["settings"] == asked
    assert set(content) == {"identity", "card", "word eyes", "word mouth", "word nose"}
    assert states(host) == []


def test_the_console_has_a_line_each_tenth_and_one_at_both_ends(
    host: Server, straight: tuple[Run, dict[str, bytes]]
):
    lines = [line for line in host.log.splitlines() if "FaceA, alex: " in line]
    assert "facea-tiny 128 px, " in lines[0]
    assert f"step {STEPS} of {STEPS}" in lines[-2]
    assert f"saved alex; {STEPS} steps in" in lines[-1]
    assert 4 <= len(lines) <= 12


def test_it_shows_progress_and_pictures_while_it_runs(
    straight: tuple[Run, dict[str, bytes]], tell: Tell
):
    run, _ = straight
    _, trainer = training()
    steps = steps_of(run.events, trainer)
    assert steps == sorted(steps)
    assert steps[-1] == STEPS
    # A newer ComfyUI passes on at most ten a second; more are done here.
    assert len(set(steps)) >= STEPS // 4
    previews = run.of("preview", trainer.id)
    assert len(previews) >= PREVIEWS
    texts = run.of("text", trainer.id)
    assert texts
    tell(f"training: {len(previews)} previews, {len(texts)} lines of text in {STEPS} steps")


def test_the_contact_sheet_is_a_picture(client: Client):
    graph, trainer = training(name="sheet", steps=4, previews=2)
    run = client.run(graph)
    (sheet,) = run.outputs[trainer.id]["images"]
    picture = client.view(sheet)
    assert isinstance(picture, Image.Image)
    assert min(picture.size) >= 128


def test_cancel_go_on_and_never_again(host: Server, straight: tuple[Run, dict[str, bytes]]):
    graph, trainer = training(name="alex", steps=STEPS, previews=PREVIEWS)
    with Client(host.url) as client:
        cancelled, reached, _ = cancel(client, graph, trainer, CANCEL_AT)
        assert CANCEL_AT <= reached < STEPS
        assert trainer.id not in cancelled.outputs
        last = str(cancelled.of("text", trainer.id)[-1].data)
        # The step in which the cancel was heard is kept, and is not reported any more.
        stops = [f"stopped at step {n} of {STEPS}; queue again" for n in (reached, reached + 1)]
        assert any(stop in last for stop in stops), last
        assert len(states(host)) == 1
        assert not saved(host, "alex")["identity"].exists()

        resumed = client.run(graph)
        said = outcome(resumed, trainer)
        assert said["resumed_from"] in (reached, reached + 1)
        assert said["steps_run"] == STEPS - said["resumed_from"]
        # It says 0 while it looks at the photos again.
        first = next(step for step in steps_of(resumed.events, trainer) if step > 0)
        assert first == said["resumed_from"] + 1
        assert states(host) == []
        same_files(host, straight[1])

        # ComfyUI itself keeps the result, until it is told to forget it.
        assert client.run(graph).executed == set()
        client.free()
        again = client.run(graph)
        assert_kept(outcome(again, trainer))
        assert not any("copying" in str(text.data) for text in again.of("text", trainer.id))

    host.restart()
    with Client(host.url) as client:
        assert_kept(outcome(client.run(graph), trainer))
    same_files(host, straight[1])


def test_a_cancel_is_heard_at_once(host: Server, client: Client, tell: Tell):
    """In a step, before a preview and while one is painted; by its own work, other load or not."""
    left = 10 * work_of_a_step(host, client)
    seconds = []
    for seed, at in enumerate((2, 3, 4)):
        graph, trainer = training(count=1, name="heard", seed=seed, steps=40, previews=2)
        seconds.append(cancel(client, graph, trainer, at, lambda: host.work)[2])
    shown = ", ".join(f"{s:.2f}" for s in seconds)
    tell(f"cancel: {shown} s of work after the request; ten steps are {left:.2f}")
    assert min(seconds) < left


def work_of_a_step(host: Server, client: Client) -> float:
    """The median of what the server computes between two steps of the same training."""
    graph, trainer = training(count=1, name="heard", seed=9, steps=8, previews=0)
    at: list[float] = []

    def on_event(event: Event) -> None:
        if steps_of([event], trainer):
            at.append(host.work)

    client.run(graph, on_event)
    return median(later - earlier for earlier, later in pairwise(at))


def test_more_steps_go_on_from_where_the_shorter_training_ended(client: Client, host: Server):
    said, shown = {}, {}
    for steps in (4, 8, 6):
        graph, trainer = training(name="longer", steps=steps)
        run = client.run(graph)
        said[steps] = outcome(run, trainer)
        shown[steps] = steps_of(run.events, trainer)
    assert [said[steps]["resumed_from"] for steps in (4, 8, 6)] == [0, 4, 4]
    assert [said[steps]["steps_run"] for steps in (4, 8, 6)] == [4, 4, 2]
    assert [step for step in shown[8] if step][0] == 5
    again, trainer = training(name="longer", steps=8)
    assert_kept(outcome(client.run(again), trainer))


def test_a_deleted_file_is_trained_again(client: Client, host: Server):
    graph, trainer = training(name="gone", steps=4)
    first = outcome(client.run(graph), trainer)
    path = saved(host, "gone")["identity"]
    content = path.read_bytes()
    path.unlink()
    client.free()
    again = outcome(client.run(graph), trainer)
    assert (first["steps_run"], again["steps_run"]) == (4, 4)
    assert path.read_bytes() == content


def test_an_expression_is_named_where_there_is_no_caption(client: Client):
    said = {}
    for name, wanted in (("plain", {}), ("named", {}), ("told", {"captions": "\n\nat night"})):
        graph, trainer = training(name=name, steps=2, auto_captions=name != "plain", **wanted)
        notes = outcome(client.run(graph), trainer)["notes"]
        said[name] = [note for note in notes if "said of it" in note]
    assert said["plain"] == []
    assert said["named"] == ["photo 3: said of it: an open mouth"]
    assert said["told"] == ["photo 3: said of it: at night"]


def same_files(host: Server, content: dict[str, bytes]) -> None:
    found = {kind: path.read_bytes() for kind, path in saved(host, "alex").items()}
    assert [kind for kind in content if found.get(kind) != content[kind]] == []
    assert set(found) == set(content)
