import json
import math
import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from facea_core.backbone.spec import SPECS
from facea_core.cli.train import preset_of
from facea_core.composing import ComposeConfig
from facea_core.errors import ConfigError
from facea_core.identity import TARGETS
from facea_core.settings import check_installed, read_settings
from facea_core.training import PRESETS, TrainConfig, preset_for, preview_every

HELP = Path(__file__).parents[2] / "web" / "docs"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_json(name: str):
    config = TrainConfig.from_preset(name)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_paper_preset_has_the_papers_numbers():
    config = TrainConfig.from_preset("paper")
    assert (config.rank, config.batch, config.steps) == (48, 4, 1000)
    assert (config.embedding_lr, config.lora_lr) == (2e-3, 1.2e-4)
    assert (config.local_ratio, config.prompt_drop, config.background_weight) == (0.5, 0.1, 0.0)
    assert TrainConfig.from_preset("stylised").steps == 600
    assert config.line() == "1000 steps, batch 4, rank 48, words 0.002, LoRA 0.00012"
    plain = TrainConfig(embedding_lr=0.0, lora_lr=0.0)
    assert plain.line().endswith("rank 48, words not learned, LoRA not learned")


@pytest.mark.parametrize("page", ["FaceAEmbeddingTrainer.md", "FaceAEmbeddingTrainer/zh.md"])
def test_the_help_page_says_what_each_preset_holds(page: str):
    said = (HELP / page).read_text("utf-8")
    columns = ("steps", "batch", "rank", "embedding_lr", "lora_lr")
    for name, config in PRESETS.items():
        cells = [f"{getattr(config, column):g}" for column in columns]
        assert " | ".join([f"| `{name}`", *cells]) + " |" in said
    elsewhere = (*columns, "report_every", "save_every")
    (more,) = re.findall(r"`tiny`[^`]*`({.*?})`", said)
    paper, tiny = (asdict(PRESETS[name]) for name in ("paper", "tiny"))
    assert json.loads(more) == {
        key: value for key, value in tiny.items() if value != paper[key] and key not in elsewhere
    }


def test_every_field_says_what_it_is():
    for field in fields(TrainConfig):
        assert field.metadata["help"], field.name
        number = type(field.default) in (int, float)
        assert number == (field.metadata["min"] is not None), field.name


def test_every_number_is_checked_at_both_ends():
    for field in fields(TrainConfig):
        if (low := field.metadata["min"]) is None:
            continue
        kind = type(field.default)
        for inside in (low, field.metadata["max"]):
            TrainConfig.from_dict({field.name: kind(inside)})
        for outside in (low - 1, field.metadata["max"] + 1):
            with pytest.raises(ConfigError, match=field.name):
                TrainConfig.from_dict({field.name: kind(outside)})


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": "10"}, {"steps": 10.0}, {"steps": True}, {"flip": 1}, {"lora_lr": math.nan},
        {"lora_lr": math.inf}, {"embedding_lr": None}, {"targets": "everything"}, {"decay": "step"},
        {"attributes": 3},
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(wrong: dict):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TrainConfig.from_dict(wrong)


@pytest.mark.parametrize("wrong", ["maybe", "", None, math.nan, 2])
def test_true_or_false_is_nothing_else(wrong: object):
    with pytest.raises(ConfigError, match="hair is .*true or false"):
        ComposeConfig(hair=wrong)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("value", ["eulr", "", 3, "e" * 10**7])
def test_what_is_no_choice_is_answered_with_the_nearest(value: object):
    with pytest.raises(ConfigError, match="sampler .*the nearest is 'euler'") as raised:
        check_installed("sampler", value, ["euler"])
    assert len(str(raised.value)) < 200
    check_installed("sampler", "euler", ["euler"])


def test_a_whole_number_is_a_float_too():
    assert type(TrainConfig(clip=2).clip) is float


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="'lora_lr'"):
        TrainConfig.from_dict({"lora_l": 1e-4})
    with pytest.raises(ConfigError, match="paper, stylised, selective, tiny"):
        TrainConfig.from_preset("papr")


@pytest.mark.parametrize(
    "template", ["a photo", "{words} {name}", "{words} {", "{} {words}", "{words} {class.__init__}"]
)
def test_a_template_without_its_words_or_with_others_is_refused(template: str):
    for field in ("global_prompt", "local_prompt"):
        with pytest.raises(ConfigError, match=field):
            TrainConfig.from_dict({field: template})


def test_the_hash_follows_what_is_learned_and_nothing_else():
    config = TrainConfig()
    for field in fields(TrainConfig):
        value = field.default
        if field.metadata["choices"]:
            other = next(c for c in field.metadata["choices"] if c != value)
        elif isinstance(value, str):
            other = value + " {words}" if "prompt" in field.name else "female"
        else:
            other = not value if isinstance(value, bool) else 1 if value != 1 else 2
            low, high = field.metadata["min"], field.metadata["max"]
            other = other if low is None else type(value)(min(max(other, low), high))
        changed = TrainConfig.from_dict({field.name: other})
        assert changed != config, field.name
        assert (changed.hash != config.hash) == field.metadata["affects_result"], field.name


def test_settings_have_the_names_of_earlier_versions_too():
    today = TrainConfig(embedding_lr=0.5, lora_lr=0.25)
    earlier = {"words_rate": 0.5, "lora_rate": 0.25}
    assert TrainConfig.from_dict(earlier) == today
    assert TrainConfig.from_preset("paper", **earlier) == today
    assert TrainConfig.from_dict({**earlier, "embedding_lr": 0.5}) == today
    with pytest.raises(ConfigError, match="lora_rate is 0.25 and lora_lr is 0.5.*give lora_lr"):
        TrainConfig.from_dict({**earlier, "lora_lr": 0.5})


def test_files_and_hashes_are_those_of_earlier_versions():
    """Else nobody who was trained before would be found again. The hashes are of such a version."""
    assert PRESETS["paper"].hash == "a478b8304499aad6"
    assert PRESETS["tiny"].hash == "bbab1ae941b1ee5c"
    config = TrainConfig(embedding_lr=0.5, lora_lr=0.25)
    assert config.hash == "5b896d02cec07bf3"
    assert config.to_dict().items() >= {("words_rate", 0.5), ("lora_rate", 0.25)}
    assert not {"embedding_lr", "lora_lr"} & config.to_dict().keys()


def test_the_targets_are_those_of_the_adapters():
    choices = next(f for f in fields(TrainConfig) if f.name == "targets").metadata["choices"]
    assert choices == tuple(TARGETS)


def test_settings_are_a_json_object_or_nothing():
    assert read_settings("") == read_settings(" \n") == read_settings("{}") == {}
    values = read_settings('\n{"warmup": 20, "decay": "linear", "flip": true, "clip": 0.5}')
    config = TrainConfig.from_dict(values)
    assert (config.warmup, config.decay, config.flip, config.clip) == (20, "linear", True, 0.5)


@pytest.mark.parametrize(
    "text", ["warmup=20", "{'warmup': 20}", '{"warmup": 20', '["warmup"]', "20", "null", '"warmup"']
)
def test_settings_in_another_form_are_shown_and_told_how(text: str):
    with pytest.raises(ConfigError, match="JSON") as caught:
        read_settings(text)
    assert repr(text) in str(caught.value)
    assert '{"warmup": 20}' in str(caught.value)


def test_each_family_has_a_preset_to_begin_with():
    assert preset_for("facea-tiny") == "tiny"
    assert preset_for("sd15") == preset_for("sdxl") == "paper"
    assert {preset_for(family, kind) for family in SPECS for kind in ("", "selective")} <= set(
        PRESETS
    )
    assert preset_for("facea-tiny", "selective") == "tiny-selective"
    assert preset_for("sd15", "selective") == "selective"
    assert preset_for("facea-tiny", "paper") == "paper"


def test_the_command_line_begins_with_the_selective_settings_of_its_model():
    begun = preset_of({"base": "tiny", "preset": "selective"})["training"]
    assert begun == TrainConfig.from_preset("tiny-selective")
    assert preset_of({"base": "tiny"})["training"] == TrainConfig.from_preset("tiny")
    assert preset_of({})["training"] == TrainConfig()


@pytest.mark.parametrize(
    ("steps", "count", "every"), [(100, 8, 12), (1000, 8, 125), (6, 8, 1), (1, 1, 1), (100, 0, 0)]
)
def test_previews_are_about_as_many_as_asked_for(steps: int, count: int, every: int):
    assert preview_every(steps, count) == every
