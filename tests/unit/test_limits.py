"""What is too large, too small or of another kind is refused in a line, before any work."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from facea_core.attributes import attribute_table
from facea_core.audit import AuditConfig
from facea_core.backbone import Backbone
from facea_core.backbone.spec import SPECS
from facea_core.composing import ComposeConfig
from facea_core.composing.plan import plan_crop
from facea_core.detection.config import DetectConfig
from facea_core.errors import QUOTED, ConfigError, MaskError, quoted, shortened
from facea_core.identity.subject import Subject
from facea_core.io.images import crop, cut, resize
from facea_core.machine import is_out_of_memory
from facea_core.settings import LONGEST_JSON, LONGEST_TEXT, check_number, read_settings, updated
from facea_core.training import TrainConfig, plan_training, require_room, train_identity
from facea_core.training.tasks import region_mask
from facea_core.types import Box

from .photos import make_photo

HUGE = "x" * 10_000_000


@pytest.mark.parametrize("value", [HUGE, list(range(10_000)), "\ud800" * 1000, b"x" * 1000])
def test_no_message_shows_more_of_a_value_than_eighty_characters(value: object):
    assert len(quoted(value)) <= QUOTED
    assert len(shortened(value)) <= QUOTED


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: read_settings(HUGE),
        lambda: read_settings('"' + "x" * 60_000 + '"'),
        lambda: updated(TrainConfig(), {HUGE: 1}),
        lambda: TrainConfig(decay=HUGE),
        lambda: TrainConfig(global_prompt=HUGE),
        lambda: TrainConfig(attributes=HUGE),
        lambda: TrainConfig.from_preset(HUGE),
        lambda: ComposeConfig(negative=HUGE),
        lambda: DetectConfig(face_order=HUGE),
        lambda: DetectConfig(attributes=HUGE),
        lambda: attribute_table(",".join(["eyes"] * 2000)),
        lambda: attribute_table([HUGE]),
    ],
)
def test_huge_inputs_are_refused_in_a_line(refuse):
    with pytest.raises(ConfigError) as raised:
        refuse()
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("text", ["[" * 20_000, '{"a":' * 10_000, "[" * (LONGEST_JSON + 1)])
def test_deep_and_long_json_is_a_config_error(text: str):
    with pytest.raises(ConfigError, match="settings"):
        read_settings(text)


@pytest.mark.parametrize(
    "text",
    ["{words:>999999999}", "{words!r}", "{words!z}", "{words:d}", "{words:{class}}", "{words.x}",
     "{words[0]}", "{words} {0}", "{words} {}", "{words", "\ud800 {words}", "{words}" + " " * 600],
)  # fmt: skip
def test_templates_take_no_format(text: str):
    for name in ("global_prompt", "local_prompt"):
        with pytest.raises(ConfigError, match=name):
            TrainConfig.from_dict({name: text})


@pytest.mark.parametrize(
    ("config", "values"),
    [
        (DetectConfig, {"face_index": "1"}), (DetectConfig, {"face_index": 0.5}),
        (DetectConfig, {"face_index": -2}), (DetectConfig, {"face_index": True}),
        (DetectConfig, {"attributes": 5}), (DetectConfig, {"attributes": {"eyes": 1}}),
        (DetectConfig, {"face_threshold": math.nan}), (DetectConfig, {"on_missing": None}),
        (ComposeConfig, {"hair": "no"}), (ComposeConfig, {"hair": math.nan}),
        (ComposeConfig, {"hair": None}), (ComposeConfig, {"hair": 1}),
        (ComposeConfig, {"strength": math.nan}), (ComposeConfig, {"cfg": math.inf}),
        (ComposeConfig, {"cfg": "7"}), (ComposeConfig, {"negative": 3}),
        (ComposeConfig, {"sampler": ["ddim"]}), (ComposeConfig, {"steps": 10.0}),
        (AuditConfig, {"soft": "0.5"}), (AuditConfig, {"resolution": 8}),
        (AuditConfig, {"yaw_spread": math.nan}), (TrainConfig, {"flip": "no"}),
        (TrainConfig, {"global_prompt": 3}), (TrainConfig, {"seed": 2**64}),
    ],
)  # fmt: skip
def test_every_config_checks_the_types_of_its_fields(config: type, values: dict):
    with pytest.raises(ConfigError, match=next(iter(values))):
        config(**values)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "1", None, True, 2.5])
def test_a_number_that_is_none_is_named(value: object):
    with pytest.raises(ConfigError, match="lora_strength"):
        check_number("lora_strength", value, -2, 2)


@pytest.mark.parametrize("noun", ["", " ", "x" * 10_000, "a\nb", "\ud800", "embedding:a/eyes"])
def test_a_class_noun_is_refused_before_the_model_is_touched(backbone: Backbone, noun: str):
    with pytest.raises(ConfigError, match="class noun"):
        train_identity([make_photo()], backbone, TrainConfig(steps=1), Subject("ada", noun))


def test_a_prompt_that_takes_too_long_to_read_is_refused(backbone: Backbone):
    backbone.text.prepare(["word " * (LONGEST_TEXT // 5)])
    with pytest.raises(ConfigError, match=f"2000000 characters.*at most {LONGEST_TEXT}"):
        backbone.text.prepare(["word " * 400_000])


@pytest.mark.parametrize("resolution", [8, 16, 56])
def test_a_resolution_has_a_floor(resolution: int):
    for spec in SPECS.values():
        config = TrainConfig(resolution=resolution)
        with pytest.raises(ConfigError, match=f"resolution is {resolution}; give at least 64"):
            plan_training(spec, config, torch.float32, None)


@pytest.mark.parametrize("resolution", [8, 16, 24])
def test_a_hole_ends_growing_where_the_picture_is_full(backbone: Backbone, resolution: int):
    spec = replace(backbone.spec, resolution=resolution)
    own = torch.zeros(1, 1, 64, 64)
    own[..., 28:36, 28:36] = 1
    mask = region_mask(Box(26, 26, 38, 38), Box(0, 0, 64, 64), spec, 0.0, own=own)
    assert mask.any()


def test_a_training_above_the_machines_memory_is_refused_before_any_work(backbone: Backbone):
    config = TrainConfig(resolution=4096, steps=1)
    plan = plan_training(backbone.spec, config, torch.float32, None)
    with pytest.raises(ConfigError, match=r"facea-tiny 4096 px.* needs about .* GB of memory"):
        require_room(replace(plan, peak=2**60), "cpu")
    require_room(replace(plan, peak=2**60), "cuda")
    require_room(replace(plan, peak=2**60), "cpu", loaded=2**60)
    seen: list[object] = []
    with pytest.raises(ConfigError, match="GB of memory"):
        train_identity(
            [make_photo()], backbone, config, plan=replace(plan, peak=2**60),
            on_tick=lambda *_: seen.append(1),
        )  # fmt: skip
    assert not seen


def test_a_plan_on_a_cpu_does_not_depend_on_how_full_the_machine_is(backbone: Backbone):
    plans = [plan_training(backbone.spec, TrainConfig(), torch.float32, None) for _ in range(2)]
    assert plans[0] == plans[1]
    assert plans[0].free is None


def test_what_machines_say_when_memory_runs_out():
    linux = "[enforce fail at alloc_cpu.cpp:126] . DefaultCPUAllocator: can't allocate memory: you"
    windows = "DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."
    for said in (linux, windows, "CUDA error: out of memory"):
        assert is_out_of_memory(RuntimeError(said))
    assert not is_out_of_memory(RuntimeError("a size does not match"))


@pytest.mark.parametrize("size", [(20, 400), (400, 20), (20, 20)])
def test_a_square_around_a_narrow_picture_is_seen_as_if_it_were_padded_first(size: tuple[int, int]):
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    x0, y0 = (size[1] - 400) // 2, (size[0] - 400) // 2
    for box in (Box(x0, y0, x0 + 400, y0 + 400), Box(x0 + 7, y0 - 9, x0 + 300, y0 + 391)):
        padded = resize(crop(image, box), (64, 48))
        assert torch.allclose(cut(image, box, (64, 48)), padded, atol=0.02)
    box = Box(0, 0, *reversed(size))
    assert torch.equal(cut(image, box, (64, 48)), resize(image, (64, 48)))


def test_a_huge_square_around_a_narrow_mask_is_refused(backbone: Backbone):
    with pytest.raises(MaskError, match="20000x20"):
        plan_crop(torch.ones(1, 1, 20, 20_000), backbone.spec)
    plan_crop(torch.ones(1, 1, 16, 900), backbone.spec)


def test_memory_given_back_is_free_again():
    import psutil

    from facea_core.machine import give_back_memory

    process = psutil.Process()
    # Small pieces, every second one kept: holes that the allocator would keep, too.
    pieces = [bytearray(60_000) for _ in range(4000)]
    del pieces[::2], pieces[: len(pieces) // 2]
    before = process.memory_info().rss
    give_back_memory()
    assert process.memory_info().rss <= before
    assert len(pieces) == 1000
