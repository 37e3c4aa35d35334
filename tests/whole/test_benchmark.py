"""The bench: contenders that learn the same, counts that count, gates that can fail."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from benchmarks.speed.config import BenchConfig
from benchmarks.speed.contenders import (
    DIFFUSERS,
    DIFFUSERS_CACHED,
    EAGER,
    KOHYA,
    KOHYA_ATTENTION,
    contenders,
)
from benchmarks.speed.counting import Counts, Tally
from benchmarks.speed.fake_device import DEVICE, count_ours, pretended_task
from benchmarks.speed.gates import AGREE, Gate, agreement, counted, difference, speed
from benchmarks.speed.machine import machine
from benchmarks.speed.models import NARROW, family_named, painted_photos, random_backbone
from benchmarks.speed.run import families
from benchmarks.speed.statistics import ratio, summary
from benchmarks.speed.table import table
from benchmarks.speed.task import Task, lay_open
from benchmarks.speed.timing import Block, Pattern, measure
from facea_core.backbone import Backbone
from facea_core.backbone.prompts import TextEncoders
from facea_core.backbone.spec import TINY
from facea_core.errors import ConfigError
from facea_core.training import TrainConfig

CPU = torch.device("cpu")
CONFIG = TrainConfig(attributes="eyes,mouth", steps=3, batch=2, rank=2, variants=1)


@pytest.fixture
def task(backbone: Backbone) -> Task:
    """The miniature at half its resolution."""
    small = replace(backbone, spec=replace(backbone.spec, resolution=64))
    return lay_open(painted_photos(1, 128), small, CONFIG)


def test_contenders_learn_the_same_and_leave_no_trace(task: Task):
    unet = task.backbone.unet
    before = {key: value.clone() for key, value in unet.state_dict().items()}
    blocks = {
        name: measure(contender, CPU, Pattern(1, 2))
        for name, contender in contenders(task, every_loss=True).items()
    }
    assert set(blocks) == {DIFFUSERS, DIFFUSERS_CACHED, KOHYA, KOHYA_ATTENTION, EAGER}
    gates = agreement({n: b.losses for n, b in blocks.items()}, "tiny", "float32")
    assert [g.name for g in gates if not g.passed] == []
    assert len(gates) == 4
    # They do learn: in the third step the wider LoRA has gone another way.
    assert blocks[KOHYA].losses[2] != blocks[KOHYA_ATTENTION].losses[2]
    for block in blocks.values():
        assert len(block.losses) == 3
        assert len(block.seconds) == len(block.wall) == 2
        assert min(block.seconds) > 0
    after = unet.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert not hasattr(unet, "peft_config")


def test_a_contender_that_learns_something_else_is_found(task: Task):
    wrong = replace(task, config=replace(CONFIG, embedding_lr=0.5))
    losses = {
        name: measure(of[name], CPU, Pattern(1, 2)).losses
        for name, of in (
            (DIFFUSERS, contenders(task)), (KOHYA_ATTENTION, contenders(wrong)),
        )
    }  # fmt: skip
    (gate,) = agreement(losses, "tiny", "float32")
    assert not gate.passed


def test_counts_tell_the_loops_apart(task: Task):
    counts = {}
    for name in (DIFFUSERS, DIFFUSERS_CACHED, EAGER):
        with Tally(task.backbone) as tally:
            contenders(task)[name](tally)
        counts[name] = tally.steps[1]
    # Both pictures through the autoencoder; one read of the loss in each of their steps.
    assert [c.vae for c in counts.values()] == [2, 0, 0]
    assert [c.reads for c in counts.values()] == [1, 1, 0]
    assert counts[EAGER].kernels < counts[DIFFUSERS].kernels
    assert counts[EAGER].optimiser < counts[DIFFUSERS].optimiser / 10
    assert all(gate.passed for gate in counted(counts[EAGER], counts[DIFFUSERS], "tiny"))
    assert not any(gate.passed for gate in counted(counts[DIFFUSERS], Counts(), "tiny")[2:])


def test_a_tally_counts_kernels_reads_and_saved_bytes(backbone: Backbone):
    x = torch.ones(4, 8, requires_grad=True)
    layer = nn.Linear(8, 2, bias=False)
    with Tally(backbone) as tally:
        y = (x * 2).view(8, 4).view(4, 8)  # views are no kernels
        tally.tick(1)
        layer(y).exp().sum().item()
        tally.tick(2)
    # A product; then another, exp and sum. exp saves its result, layer its input, no weight.
    assert tally.steps[0] == Counts(kernels=1, saved=0)
    assert tally.steps[1] == Counts(kernels=3, reads=1, saved=4 * (4 * 8 + 4 * 2))


def test_a_whole_step_is_work_of_the_device_alone():
    """On fake tensors a read, or a real tensor in the step, raises: so it can be captured."""
    with FakeTensorMode():
        task = pretended_task(TINY, CONFIG, torch.bfloat16)
        counts = count_ours(task)
        assert (counts.reads, counts.uploads, counts.vae) == (0, 0, 0)
        # Two groups, each its step counter and its fused update.
        assert counts.optimiser == 4
        assert counts.kernels > 500


def test_a_step_that_reads_or_uploads_is_found():
    with FakeTensorMode():
        task = pretended_task(TINY, CONFIG, torch.bfloat16)
        encode = TextEncoders.encode_prepared
        with Tally(task.backbone) as tally:
            torch.ones(3).to(DEVICE)
            torch.ones(3, device=DEVICE).cpu()
            tally.tick(1)
        assert (tally.steps[0].uploads, tally.steps[0].reads) == (1, 1)

        def reads(self, prepared, words):
            found = encode(self, prepared, words)
            return found if float(found.context.detach().sum()) else found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TextEncoders, "encode_prepared", reads)
            with pytest.raises(DataDependentOutputException):
                count_ours(task)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_random_weights_keep_numbers_near_one(dtype: torch.dtype):
    backbone = random_backbone(NARROW, dtype=dtype)
    image = painted_photos(1, 128)[0].image
    latent = backbone.encode_image(image).mean
    mask, timestep = torch.ones(1, 1, 16, 16), torch.tensor([500])
    text = backbone.text.encode(["a photo"])
    out = backbone.predict(latent, timestep, text, mask, latent).float()
    assert 0.01 < float(out.std()) < 100
    again = random_backbone(NARROW, dtype=dtype)
    states = [b.unet.state_dict() for b in (backbone, again)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def block(seconds: float) -> Block:
    times = tuple(seconds + i * 1e-4 for i in range(20))
    return Block(times, times, seconds, (), 1.0, 0.5, (3 * 10**9, 4 * 10**9), (), "eager")


def test_ratios_and_their_intervals():
    slow, fast = [block(0.30), block(0.33)], [block(0.10), block(0.11)]
    found = ratio(slow, fast)
    assert 2.7 < found["low"] < found["ratio"] < found["high"] < 3.4
    assert ratio(fast, fast)["ratio"] == 1
    row = summary(fast, batch=4)
    assert row["p10_ms"] < row["median_ms"] < row["p90_ms"]
    assert (row["allocated_gb"], row["reserved_gb"], row["steps"]) == (3, 4, 40)
    assert row["images_per_s"] == pytest.approx(4 / (row["median_ms"] / 1000))


def test_a_single_step_has_a_median_and_no_interval():
    slow, fast = replace(block(0.3), seconds=(0.3,)), replace(block(0.1), seconds=(0.1,))
    row = summary([fast], batch=4)
    assert row["p10_ms"] == row["median_ms"] == row["p90_ms"] == pytest.approx(100)
    found = ratio([slow], [fast])
    assert found == {"ratio": pytest.approx(3), "low": None, "high": None}
    run = {
        "model": "narrow", "resolution": 64, "batch": 4, "dtype": "float32", "clock": "a clock",
        "rows": {"ours": {**row, "of_floor": None}}, "ratios": {"theirs / ours": found},
        "counts": {}, "notes": (),
    }  # fmt: skip
    result = {"machine": machine(CPU), "runs": [run], "gates": []}
    assert "theirs / ours: 3.00" in table(result).splitlines()
    assert None not in ratio([slow, slow], [fast, fast]).values()


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        (Gate("", 1.5, 1.5, least=True), True),
        (Gate("", 1.4, 1.5, least=True), False),
        (Gate("", 0, 0), True),
        (Gate("", 1, 0), False),
        (Gate("", float("nan"), 1), False),
        (Gate("", float("nan"), 1, least=True), False),
        (Gate("", difference([], [1.0]), 1), False),
        (Gate("", difference([1.0, float("nan"), 1.0], [1.0, 1.0, 1.0]), 1), False),
    ],
)
def test_gates(gate: Gate, passed: bool):
    assert gate.passed is passed


def test_gates_of_a_card_and_of_a_processor():
    names = [f"{DIFFUSERS} / facea captured", f"{KOHYA} / facea captured", f"{DIFFUSERS} / {EAGER}"]
    ratios = {name: {"ratio": 3.0} for name in names}
    rows = {"facea captured": {"median_ms": 25.0, "allocated_gb": 7.0, "mode": "captured"}}

    def failed(device: str) -> list[str]:
        return [gate.name for gate in speed(rows, ratios, device, "sd15") if not gate.passed]

    assert failed("NVIDIA H100 80GB HBM3") == [f"sd15: {DIFFUSERS} / facea captured"]
    assert failed("NVIDIA A10") == failed("cpu") == []
    rows["facea captured"]["mode"] = "eager: the step could not be captured"
    assert failed("NVIDIA A10") == ["sd15: captured"]
    ratios[names[2]]["ratio"] = AGREE["float32"]
    assert failed("cpu") == [f"sd15: {DIFFUSERS} / {EAGER}"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: family_named("sd16"),
        lambda: families(BenchConfig(models="sd15, sd16"), CPU),
        lambda: BenchConfig(rounds=0),
    ],
)
def test_wrong_settings(wrong: Callable[[], object]):
    with pytest.raises(ConfigError):
        wrong()
