"""What a training needs is known before anything is loaded, and it takes what there is."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import FAMILIES as MODELS
from facea_core.backbone.spec import SPECS
from facea_core.errors import ConfigError
from facea_core.identity.targets import TARGETS
from facea_core.training.config import TrainConfig
from facea_core.training.costs import COSTS
from facea_core.training.device_memory import free_memory
from facea_core.training.memory import Plan, plan_training, resolution_down, step_down

from ..bench.one_step import Setting, build, peak_of

BF16 = torch.bfloat16
GB = 10**9
FAMILIES = ("facea-tiny", "sd15", "sd2", "sdxl")
CONFIGS = (
    TrainConfig(),
    TrainConfig(batch=3, local_extra=2, targets="wide"),
    TrainConfig(batch=1, embedding_lr=0.0, rank=8),
    TrainConfig(micro_batch=2, checkpointing="off"),
    TrainConfig(resolution=256, checkpointing="on"),
)


def ladder(family: str, config: TrainConfig, free: int | None = None) -> list[Plan]:
    """Every way from the best to the last, as running out of memory again and again finds them."""
    spec = SPECS[family]
    rungs = [plan_training(spec, config, BF16, free)]
    while (lower := step_down(rungs[-1], spec, config, BF16)) is not None:
        rungs.append(lower)
        assert len(rungs) < 100, "stepping down does not end"
    return rungs


def shape(plan: Plan) -> tuple[int, int, bool]:
    return plan.resolution, plan.micro_batch, plan.checkpointing


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("config", CONFIGS)
def test_each_rung_needs_less_and_does_the_same_step(family, config):
    rungs = ladder(family, config)
    assert all(above.peak >= below.peak for above, below in pairwise(rungs))
    assert {rung.batch for rung in rungs} == {config.batch + config.local_extra}
    assert all(1 <= rung.micro_batch <= rung.batch for rung in rungs)
    native = config.resolution or SPECS[family].resolution
    assert all(native // 2 <= rung.resolution <= native for rung in rungs)
    # Resolution, which changes what is learned, is given up last; time after pictures at once.
    resolutions = [rung.resolution for rung in rungs]
    assert resolutions == sorted(resolutions, reverse=True)


def test_speed_is_given_up_before_what_is_learned():
    assert [shape(rung) for rung in ladder("sd15", TrainConfig())][:7] == [
        (512, 4, False), (512, 2, False), (512, 1, False), (512, 2, True), (512, 1, True),
        (448, 1, True), (384, 1, True),
    ]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("config", CONFIGS)
def test_more_memory_never_gives_less(family, config):
    rungs = [shape(rung) for rung in ladder(family, config, 1000 * GB)]
    before = len(rungs)
    for free in range(0, 60 * GB, GB // 2):
        plan = plan_training(SPECS[family], config, BF16, free)
        rank = rungs.index(shape(plan))
        assert rank <= before
        assert plan.peak <= free or rank == len(rungs) - 1
        # It is the best that fits, not just one that does.
        if plan.peak <= free:
            assert shape(plan_training(SPECS[family], config, BF16, plan.peak)) == shape(plan)
            assert rank == 0 or ladder(family, config, 1000 * GB)[rank - 1].peak > free
        before = rank
    assert before == 0, "60 GB are enough for everything here"


@pytest.mark.parametrize("config", [TrainConfig(), TrainConfig(batch=1)])
def test_for_the_photos_every_resolution_is_tried_and_nothing_else(config):
    """SDXL at 768 pixels is a rung for them, though its steps are no cheaper than at 896."""
    spec, plan = SPECS["sdxl"], plan_training(SPECS["sdxl"], config, BF16, 40 * GB)
    seen = [plan]
    while (lower := resolution_down(seen[-1], spec, config, BF16)) is not None:
        seen.append(lower)
    assert [one.resolution for one in seen] == list(range(1024, 511, -64))
    assert {shape(one)[1:] for one in seen} == {shape(plan)[1:]}
    assert all(above.peak > below.peak for above, below in pairwise(seen))
    small = next(one for one in seen if one.resolution == 768)
    below = step_down(small, spec, config, BF16)
    assert below is not None
    assert below.resolution == 768
    assert shape(below)[1:] == shape(step_down(plan, spec, config, BF16))[1:]  # type: ignore[arg-type]


def test_what_does_not_fit_is_planned_all_the_same_and_says_so():
    plan = plan_training(SPECS["sdxl"], TrainConfig(), BF16, 2 * GB)
    assert plan.peak > 2 * GB
    assert "may not fit" in plan.notes[0]
    assert step_down(plan, SPECS["sdxl"], TrainConfig(), BF16) is None


def test_what_is_named_is_kept():
    config = TrainConfig(micro_batch=3, checkpointing="off", resolution=448)
    assert {shape(rung) for rung in ladder("sd15", config, GB)} == {(448, 3, False)}
    assert plan_training(SPECS["sd15"], replace(config, micro_batch=9), BF16, None).micro_batch == 4


def test_a_resolution_the_model_cannot_have_is_refused():
    with pytest.raises(ConfigError, match=r"resolution is 500.*multiple of 8"):
        plan_training(SPECS["sd15"], TrainConfig(resolution=500), BF16, None)


def test_the_line_and_the_notes_say_what_was_given_up():
    plan = plan_training(SPECS["sdxl"], TrainConfig(), BF16, 12 * GB)
    about = f"about {plan.peak / GB:.1f} of 12.0 GB"
    assert plan.line() == f"sdxl 1024 px, 4 images, checkpointing; {about}"
    assert "checkpointing" in plan.notes[0]
    lower = step_down(plan, SPECS["sdxl"], TrainConfig(), BF16)
    assert lower is not None
    assert lower.line().startswith("sdxl 1024 px, 4 images, 2 at once, checkpointing; about")
    assert plan.line() in lower.notes[-1]


def test_what_is_loaded_already_counts_as_free():
    spec, config = SPECS["sd15"], TrainConfig()
    whole = plan_training(spec, config, BF16, 7 * GB)
    assert plan_training(spec, config, BF16, 5 * GB, loaded=2 * GB) == whole


@pytest.mark.parametrize(("family", "batch", "most"), [("sd15", 4, 8), ("sdxl", 1, 17)])
def test_the_families_fit_where_they_should(family, batch, most):
    """The issue's goals: SD1.5 with 4 pictures in 8 GB, SDXL with one in 17, nothing given up."""
    plan = plan_training(SPECS[family], TrainConfig(batch=batch), BF16, most * GB)
    assert (plan.micro_batch, plan.checkpointing) == (batch, False)
    assert plan.resolution == SPECS[family].resolution


def test_every_part_of_the_need_is_counted():
    spec, config = SPECS["sd15"], TrainConfig()

    def peak(**changes: object) -> int:
        return plan_training(spec, replace(config, **changes), BF16, None).peak  # type: ignore[arg-type]

    for more in (
        {"rank": 96}, {"batch": 8}, {"targets": "wide"}, {"local_extra": 1},
        {"attributes": "female"}, {"variants": 64},
    ):  # fmt: skip
        assert peak(**more) > peak(), more
    assert peak(embedding_lr=0.0) < peak() - 2 * 120e6, "the text encoder leaves with the words"
    assert plan_training(spec, config, torch.float32, None).peak > 1.8 * peak()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_table_has_the_sizes_of_the_real_modules(family):
    with torch.device("meta"):
        backbone = empty_backbone(next(f for f in MODELS if f.spec.family == family))

    def numbers(*modules: torch.nn.Module) -> int:
        return sum(p.numel() for module in modules for p in module.parameters())

    costs = COSTS[family]
    assert costs.unet == numbers(backbone.unet)
    assert costs.text == numbers(*backbone.text.encoders.values())
    assert costs.vae == numbers(backbone.vae)
    weights = {path: m.weight for path, m in backbone.unet.named_modules() if hasattr(m, "weight")}
    for targets, pattern in TARGETS.items():
        adapted = [w for path, w in weights.items() if re.fullmatch(pattern, path)]
        assert costs.lora[targets] == sum(len(w) + w[0].numel() for w in adapted)


@pytest.mark.filterwarnings("ignore:.*Profiler clears events")
@pytest.mark.parametrize(
    ("device", "setting"),
    [("meta", ("sd15", 512, 2, 2)), ("cpu", ("facea-tiny", 128, 6, 6))],
)
def test_a_real_step_needs_what_was_predicted(device, setting):
    """At full size without values, every tensor followed; with values, as the allocator says."""
    chosen = Setting(*setting)
    backbone = build(chosen.family, device, torch.float32)
    needed, weights = peak_of(chosen, backbone)
    assert abs(chosen.predicted() - needed) < 0.05 * (needed - weights)


def test_the_cpu_never_plans_by_what_is_free():
    assert free_memory("cpu") is None
    assert plan_training(SPECS["facea-tiny"], TrainConfig(), torch.float32, None).free is None
