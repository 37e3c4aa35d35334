"""Flags from dataclasses: defaults, file, spelling, errors."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from facea_core.audit.config import AuditConfig
from facea_core.cli import main
from facea_core.cli.flags import parse, read_config
from facea_core.cli.forms import Train
from facea_core.cli.painting import Compose
from facea_core.composing.config import ComposeConfig
from facea_core.errors import AssetError, ConfigError
from facea_core.training.config import TrainConfig
from facea_core.training.earlier import RENAMED

from .commands import TRAIN, composed, file, settings, trained, usage_error


def test_defaults_lie_under_the_file_and_the_file_under_the_flags():
    assert settings() == TrainConfig()
    assert settings(*file(steps=7, rank=3)) == TrainConfig(steps=7, rank=3)
    assert settings(*file(steps=7, rank=3), "--steps", "9") == TrainConfig(steps=9, rank=3)


def test_the_file_also_holds_the_flags_of_the_command():
    said = {"name": "bo", "class-noun": "man", "base": "tiny", "photos": ["a.png"], "out": "a"}
    flags, _ = parse("x", Train, [*file(**said), "--name", "eve"], training=TrainConfig())
    assert (flags.name, flags.class_noun) == ("eve", "man")
    assert (flags.photos, flags.out) == ((Path("a.png"),), Path("a"))


def test_a_flag_belongs_to_the_first_config_that_has_it():
    _, configs = parse("x", Train, [*TRAIN, "--resolution", "256"],
                       training=TrainConfig(), audit=AuditConfig())  # fmt: skip
    assert configs["training"].resolution == 256
    assert configs["audit"].resolution == AuditConfig().resolution


def test_defaults_may_go_by_what_was_said():
    def more(said):
        return {"training": TrainConfig(steps=len(said["name"]), rank=5)}

    _, configs = parse("x", Train, [*TRAIN, "--rank", "9"], defaults=more, training=TrainConfig())
    assert configs["training"] == TrainConfig(steps=1, rank=9)


@pytest.mark.parametrize("command", ["train", "compose"])
def test_what_the_defaults_are_a_flag_and_a_file_can_say(command):
    """Each field of each config: its default, written as JSON and as a flag, changes nothing."""
    config = TrainConfig() if command == "train" else ComposeConfig()
    said = {spec.name: getattr(config, spec.name) for spec in fields(config)}
    words = []
    for name, value in said.items():
        spelt = name.replace("_", "-")
        is_bool = isinstance(value, bool)
        words += [f"--{'' if value else 'no-'}{spelt}"] if is_bool else [f"--{spelt}={value}"]
    read = settings if command == "train" else lambda *words: composed(*words)[1]
    assert read(*words) == read(*file(**said)) == config


# How values are spelled


@pytest.mark.parametrize("number", ["-1", "-1.5", "-.5", "2"])
def test_negative_numbers_are_numbers(number):
    assert composed("--strength", number)[1].strength == float(number)
    assert composed(f"--strength={number}")[1].strength == float(number)


def test_all_faces_are_minus_one():
    assert trained("--face-index", "-1")[1]["detection"].face_index == -1


def test_switches_are_put_on_and_off_and_the_last_word_counts():
    assert trained("--resume")[0].resume
    assert settings("--flip").flip
    assert not settings("--flip", "--no-flip").flip
    assert not composed("--no-hair")[1].hair


@pytest.mark.parametrize("none", ["none", "None"])
def test_none_is_nothing_where_that_is_the_default(none):
    flags, config = composed("--mask", none, "--cfg", none, "--prompt", none)
    assert (flags.mask, config.cfg, flags.prompt) == (None, None, none)
    assert composed("--cfg", "3")[1].cfg == 3
    assert composed(*file(cfg=3), "--cfg", none)[1].cfg is None


def test_lists_take_any_number_of_words():
    assert composed("--references", "a", "b", "--steps", "3")[0].references == (
        Path("a"),
        Path("b"),
    )
    assert composed("--references")[0].references == ()
    twice = composed("--references", "a", "--steps", "3", "--references", "b", "c")[0]
    assert twice.references == (Path("a"), Path("b"), Path("c"))
    both = (Path("a"), Path("b"))
    for words in (["a", "b", "--steps", "3"], ["--steps", "3", "a", "b"]):
        flags, configs = trained(*words)
        assert (flags.photos, configs["training"].steps) == (both, 3)
    assert trained("--", "-x.png")[0].photos == (Path("-x.png"),)


def test_a_flag_is_spelled_with_either_line():
    assert settings("--micro_batch", "2", "--no_flip").micro_batch == 2
    assert trained("--own_masks=a_b")[0].own_masks == Path("a_b")


def test_a_path_may_begin_at_home_however_it_is_written(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    said = composed("--out=~/made.png", "--base=~/m.safetensors", "--references", "~/a", "b/~")[0]
    assert (said.out, str(said.base)) == (Path("/home/ada/made.png"), "/home/ada/m.safetensors")
    assert said.references == (Path("/home/ada/a"), Path("b/~"))
    assert composed(*file(mask="~/m.png"))[0].mask == Path("/home/ada/m.png")
    assert composed("--prompt", "~/a")[0].prompt == "~/a"


def rates(*arguments: str) -> tuple[float, float]:
    training = parse("x", Train, [*TRAIN, *arguments], renamed=RENAMED, training=TrainConfig())[1]
    return training["training"].embedding_lr, training["training"].lora_lr


def test_flags_have_the_names_of_earlier_versions_too():
    assert rates("--words-rate", "0.5", "--lora_rate=0.25") == (0.5, 0.25)
    assert rates(*file(words_rate=0.5, lora_lr=0.25)) == (0.5, 0.25)
    # A flag lies over the file, whichever name either has.
    for flag_name in ("--words-rate", "--embedding-lr"):
        for file_name in ("words_rate", "words-rate", "embedding_lr"):
            assert rates(*file(**{file_name: 0.5}), flag_name, "0.25")[0] == 0.25


def test_two_names_of_one_setting_may_not_say_different_things(capsys):
    assert rates("--lora-rate", "0.5", "--lora-lr", "0.5")[1] == 0.5
    for words in (["--lora-rate", "0.5", "--lora-lr", "0.25"], file(lora_rate=0.5, lora_lr=0.25)):
        with pytest.raises(ConfigError, match="lora_rate is 0.5 and lora_lr is 0.25"):
            rates(*words)
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    told = capsys.readouterr().out
    assert "--lora-lr" in told
    assert "--lora-rate" not in told
    assert "--words-rate" not in told


# What is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stps", "3"], "'--stps' is no flag; the nearest is --steps"),
        (["--ste", "3"], "'--ste' is no flag; the nearest is --steps"),
        (["--steps"], "--steps"),
        (["--steps", "many"], "'many' is not a whole number"),
        (["--steps", "1.5"], "'1.5' is not a whole number"),
        (["--lora-lr", "low"], "'low' is not a number"),
        (["--steps", "none"], "'none' is not a whole number"),
        (["--capture", "maybe"], "'auto', 'off'"),
        (["--flip=yes"], "--flip"),
    ],
)
def test_wrong_usage_is_one_line(capsys, arguments, said):
    line = usage_error(capsys, *arguments)
    assert said in line
    assert line.endswith("see x --help")


def test_all_that_must_be_given_is_named_at_once(capsys):
    with pytest.raises(SystemExit) as end:
        parse("x", Compose, ["--out", "b.png"], composing=ComposeConfig())
    assert end.value.code == 2
    assert "give IMAGE, --identity, --base" in capsys.readouterr().err


def test_a_word_too_many_is_named(capsys):
    with pytest.raises(SystemExit) as end:
        main(["info", "a.safetensors", "b.safetensors"])
    assert end.value.code == 2
    assert "'b.safetensors' is one too many" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"stesp": 3}, ["'stesp'", "3", "'steps'"]),
        ({"steps": "many"}, ["steps", "'many'", "whole number from 1 to 100000"]),
        ({"steps": 1.5}, ["steps", "1.5", "whole number from 1 to 100000"]),
        ({"steps": True}, ["steps", "True", "whole number"]),
        ({"steps": None}, ["steps", "None", "whole number"]),
        ({"steps": 0}, ["steps", "0", "1 to 100000"]),
        ({"capture": "maybe"}, ["capture", "'maybe'", "auto, off"]),
        ({"flip": "yes"}, ["flip", "'yes'", "true or false"]),
        ({"resume": "yes"}, ["resume", "'yes'", "true or false"]),
        ({"name": 3}, ["name", "3", "str"]),
        ({"base": ["tiny"]}, ["base", "['tiny']", "a path"]),
        ({"out": 3}, ["out", "3", "a path"]),
        ({"photos": "a.png"}, ["photos", "'a.png'", "a list of paths"]),
        ({"photos": [3]}, ["photos", "3", "a list of paths"]),
        ({"clip_skip": 99}, ["clip_skip", "99", "0 to 32"]),
    ],
)
def test_a_wrong_setting_in_the_file_is_named_with_what_is_allowed(values, words):
    said = {"name": "a", "class_noun": "man", "base": "tiny"}
    with pytest.raises(ConfigError) as error:
        parse("x", Train, file(**{**said, **values}), training=TrainConfig())
    assert all(word in str(error.value) for word in words)


def test_a_flag_out_of_range_says_the_same_as_the_file():
    for words in (["--steps", "0"], file(steps=0)):
        with pytest.raises(ConfigError, match="steps is 0; give a whole number from 1 to 100000"):
            trained(*words)
    with pytest.raises(ConfigError, match="cfg is 0.5"):
        composed("--cfg", "0.5")


def test_values_are_judged_before_defaults_are_sought():
    def never(said):
        raise AssertionError(said)

    with pytest.raises(ConfigError, match="steps is 0"):
        parse("x", Train, [*TRAIN, "--steps", "0"], defaults=never, training=TrainConfig())


@pytest.mark.parametrize("text", ["{", "[1]", "3"])
def test_a_config_file_that_is_no_json_object(text):
    Path("x.json").write_text(text)
    with pytest.raises(ConfigError, match="x.json"):
        read_config("x.json")


def test_a_config_file_that_is_not_there_or_no_text():
    with pytest.raises(AssetError, match=r"none\.json"):
        trained("--config=none.json")
    Path("x.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ConfigError, match=r"x\.json"):
        read_config("x.json")
