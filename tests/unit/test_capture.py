"""A step as one CUDA graph: what a capture needs, what is done without one, and the real thing.

That a step leaves nothing to the host is in tests/whole/test_benchmark.py.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.optim.optimizer import register_optimizer_step_pre_hook

from benchmarks.speed.models import painted_photos
from facea_core.backbone import Backbone, load_backbone
from facea_core.backbone.load import random_backbone
from facea_core.training import TrainConfig, launch_note, train_identity
from facea_core.training.draws import Draw
from facea_core.training.gpu import cuda_graph
from facea_core.training.gpu.cuda_graph import WARM_UP, Captured, captured
from facea_core.training.gpu.footprint import searched_convolutions
from facea_core.training.optimiser import make_optimiser
from facea_core.training.state import Checkpoint
from facea_core.types import StepReport

from ..narrow import quick

CONFIG = TrainConfig(attributes="eyes,mouth", steps=4, batch=4, rank=2, variants=1)


def small() -> Backbone:
    """The miniature at a quarter of its resolution: the same laws in less time."""
    return quick(random_backbone(0), 32)


def test_the_optimiser_has_its_moments_before_the_first_step():
    words, weights = (nn.Parameter(torch.randn(n)) for n in (3, 5))
    optimiser = make_optimiser(words, weights, CONFIG)
    places = {p: {k: v.data_ptr() for k, v in optimiser.state[p].items()} for p in (words, weights)}
    for parameter in (words, weights):
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    for parameter, before in places.items():
        assert {k: v.data_ptr() for k, v in optimiser.state[parameter].items()} == before
        assert optimiser.state[parameter]["step"] == 1
        assert optimiser.state[parameter]["exp_avg"].any()


def accumulator(parameter: Tensor) -> Node:
    """What adds up a parameter's gradient: there is one as long as any graph holds it."""
    node = parameter.view_as(parameter).grad_fn
    assert node is not None
    return node.next_functions[0][0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"micro_batch": 2},
    ],
)
def test_no_step_leaves_an_accumulator_to_the_next(options: dict):
    """It belongs to the stream that it was made on, and a graph is captured on another one."""
    steps = []

    def look(optimiser: torch.optim.Optimizer, *_) -> None:
        for group in optimiser.param_groups:
            (parameter,) = group["params"]
            marks = accumulator(parameter).metadata
            assert "step" not in marks
            marks["step"] = len(steps)
            assert "step" in accumulator(parameter).metadata
        steps.append(None)

    handle = register_optimizer_step_pre_hook(look)
    try:
        train_identity(painted_photos(1, 128), small(), replace(CONFIG, **options))
    finally:
        handle.remove()
    assert len(steps) == CONFIG.steps


class FakeCuda:
    """Stands in for CUDA's streams and graphs: in a capture the work is noted, a replay does it."""

    def __init__(self, fails: Exception | None) -> None:
        self.fails, self.recording, self.streams = fails, False, 0

    def install(self, patch: pytest.MonkeyPatch) -> None:
        cuda = self

        class Graph:
            work: Callable[[], None]

            def replay(self) -> None:
                self.work()

        @contextmanager
        def record(graph: Graph) -> Iterator[None]:
            cuda.recording, cuda.graph = True, graph
            try:
                yield
                if cuda.fails:
                    raise cuda.fails
            finally:
                cuda.recording = False

        @contextmanager
        def on_stream(_) -> Iterator[None]:
            self.streams += 1
            yield

        stream = SimpleNamespace(wait_stream=lambda other: None)
        for name, value in {
            "CUDAGraph": Graph, "graph": lambda graph, **_: record(graph),
            "Stream": lambda: stream, "stream": on_stream,
            "current_stream": lambda: stream, "synchronize": lambda: None,
        }.items():  # fmt: skip
            patch.setattr(cuda_graph.torch.cuda, name, value)


def draw_of(value: int) -> Draw:
    number = torch.tensor([value])
    return Draw(number, number, number, number, torch.full((1, 1, 1, 1, 1), float(value)))


@pytest.mark.parametrize(
    ("fails", "mode"),
    [
        (None, "captured"),
        (RuntimeError("not permitted\nwhen capturing"), "eager.*not permitted"),
        (ValueError("Pointer argument (at 0) cannot be accessed from Triton"), "eager.*Triton"),
        (AssertionError(), "eager.*AssertionError"),
    ],
)
def test_every_call_is_one_step_captured_or_not(
    monkeypatch: pytest.MonkeyPatch, fails: Exception | None, mode: str
):
    cuda, done = FakeCuda(fails), []
    cuda.install(monkeypatch)

    def step(draw: Draw) -> None:
        if cuda.recording:
            cuda.graph.work = lambda: done.append(int(draw.rows) + int(draw.noise))
        else:
            done.append(int(draw.rows) + int(draw.noise))

    run = Captured(step, SimpleNamespace(whole=True))
    for value in range(WARM_UP + 4):
        run(draw_of(value))
    assert done == [2 * value for value in range(WARM_UP + 4)]
    assert cuda.streams == WARM_UP
    assert pytest.importorskip("re").match(mode, run.mode)


@pytest.mark.parametrize("fails", [ValueError("cpu tensor?"), AssertionError(), RuntimeError("no")])
def test_what_is_learned_is_the_same_after_a_capture_that_failed(
    monkeypatch: pytest.MonkeyPatch, fails: Exception
):
    def learn() -> list[tuple[int, float]]:
        reports: list[StepReport] = []
        config = replace(CONFIG, steps=WARM_UP + 3, report_every=1)
        train_identity(painted_photos(1, 128), small(), config, on_step=reports.append)
        modes.append(reports[-1].mode)
        return [(report.step, report.loss) for report in reports]

    modes: list[str] = []
    undisturbed = learn()
    cuda = FakeCuda(None)
    cuda.install(monkeypatch)

    def captured(step: Callable[[Draw], None], checkpoint: Checkpoint, *_):
        def work(draw: Draw) -> None:
            if cuda.recording:
                checkpoint.whole = False
                raise fails
            step(draw)

        run = Captured(work, checkpoint)
        return run, lambda: run.mode

    monkeypatch.setattr("facea_core.training.loop.captured", captured)
    assert learn() == undisturbed
    assert modes[0] == "eager: no CUDA graphs on cpu"
    assert "could not be captured" in modes[1]


@pytest.mark.parametrize("host_searches", [False, True])
def test_under_comfyuis_allocator_nothing_is_captured_or_searched(
    monkeypatch: pytest.MonkeyPatch, host_searches: bool
):
    cuda, cudnn = torch.device("cuda"), torch.backends.cudnn
    monkeypatch.setattr(cudnn, "benchmark", host_searches)
    for allocator, searches in (("cudaMallocAsync", False), ("native", True)):
        monkeypatch.setattr(torch.cuda, "get_allocator_backend", lambda name=allocator: name)
        with searched_convolutions(cuda):
            assert cudnn.benchmark is searches
        assert cudnn.benchmark is host_searches
        assert ("--disable-cuda-malloc" in launch_note(cuda)) is not searches
    monkeypatch.setattr(torch.cuda, "get_allocator_backend", lambda: "cudaMallocAsync")
    # No stream is made: this machine may have no CUDA at all.
    _, mode = captured(lambda draw: None, SimpleNamespace(whole=True), cuda, "auto")
    assert mode() == "eager: cudaMallocAsync allows no CUDA graph"
    assert launch_note(torch.device("cpu")) == ""


def test_a_training_says_once_what_it_does_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("facea_core.training.loop.launch_note", lambda device: "start it so")
    with caplog.at_level(logging.WARNING):
        train_identity(painted_photos(1, 128), small(), replace(CONFIG, steps=2))
    assert caplog.text.count("start it so") == 1


def test_out_of_memory_in_a_capture_is_passed_on_and_the_weights_are_whole(
    monkeypatch: pytest.MonkeyPatch,
):
    cuda = FakeCuda(torch.OutOfMemoryError("CUDA out of memory"))
    cuda.install(monkeypatch)
    checkpoint = SimpleNamespace(whole=True)
    run = Captured(lambda draw: setattr(checkpoint, "whole", False), checkpoint)
    for value in range(WARM_UP):
        run(draw_of(value))
    with pytest.raises(torch.OutOfMemoryError):
        run(draw_of(0))
    assert checkpoint.whole


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize(
    "options",
    [{}, {"embedding_lr": 0.0}, {"lora_lr": 0.0}, {"local_ratio": 0.5}],
)
def test_a_step_becomes_a_graph(options: dict):
    reports: list[StepReport] = []
    config = TrainConfig.from_preset("tiny", steps=20, **options)
    train_identity(
        painted_photos(3, 128), load_backbone("tiny", "cuda"), config, on_step=reports.append
    )
    assert reports[-1].mode == "captured"
