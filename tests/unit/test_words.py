from dataclasses import replace

import pytest
import torch
from torch import nn

from facea_core.attributes import attribute_table
from facea_core.backbone import Backbone
from facea_core.backbone.load import move
from facea_core.backbone.prompts import placeholders
from facea_core.errors import ConfigError
from facea_core.identity import (
    by_placeholder,
    check_class_noun,
    check_name,
    finished_words,
    initial_rows,
    learnable_words,
    person_name,
)
from facea_core.identity.words import fill_prompt

TABLE = attribute_table("male")


def token_table(backbone: Backbone) -> nn.Parameter:
    table = backbone.text.encoders["clip_l"].get_input_embeddings().weight
    assert isinstance(table, nn.Parameter)
    return table


def test_a_word_starts_as_its_class_word(backbone: Backbone):
    words = by_placeholder(learnable_words(backbone, "ada", TABLE).views())
    assert list(words) == ["ada/eyes", "ada/nose", "ada/mouth"]
    plain = backbone.text.encode(["a photo of eyes"])
    learned = backbone.text.encode(["a photo of embedding:ada/eyes"], words)
    assert torch.equal(learned.context, plain.context)


def test_a_class_word_of_several_tokens_is_averaged(backbone: Backbone):
    tokens = backbone.text.tokenizers["clip_l"].encode("large nose", add_special_tokens=False)
    assert len(tokens) == 2
    rows = token_table(backbone).detach()[torch.tensor(tokens)]
    word = learnable_words(backbone, "ada", [replace(TABLE[1], name="large nose")])
    assert torch.equal(word.parameter.view(-1, 128), rows.mean(0, keepdim=True))


def test_rows_come_from_any_table_as_float32_of_their_own():
    table = torch.arange(12.0).view(4, 3)
    half = table.half().requires_grad_()
    for tokens, count, expected in (
        ([2], 1, table[[2]]),
        ([3, 1], 2, table[[3, 1]]),
        ([3, 1], 3, table[[3, 1, 3]]),
        ([2], 2, table[[2, 2]]),
        ([1, 3], 1, table[[2]]),
        ([0, 1, 2], 2, table[[1, 1]]),
    ):
        rows = initial_rows(tokens, half, count)
        assert rows.dtype == torch.float32
        assert not rows.requires_grad
        assert torch.equal(rows, expected)
        rows.zero_()
    assert torch.equal(half.float(), table)


def test_gradient_reaches_the_words_and_never_the_table(backbone: Backbone):
    table = token_table(backbone)
    before = table.clone()
    flat = learnable_words(backbone, "ada", TABLE)
    words = by_placeholder(flat.views())
    optimiser = torch.optim.SGD([flat.parameter], lr=1.0)
    prompt = fill_prompt("a photo of a {class} with {words}", "man", words)
    # A plain sum is what the last layer norm takes away.
    backbone.text.encode([prompt], words).context.square().sum(-1)[..., 1:].std().backward()
    optimiser.step()
    assert table.grad is None
    assert torch.equal(table, before)
    assert flat.parameter.grad is not None
    for row in flat.parameter.grad.view(len(TABLE), -1):
        assert row.abs().max() > 0


def test_words_are_float32_parameters_of_their_own(backbone: Backbone):
    backbone = move(backbone, "cpu", torch.bfloat16)
    flat = learnable_words(backbone, "ada", TABLE)
    assert flat.parameter.dtype == torch.float32
    words = by_placeholder(flat.views())
    backbone.text.encode(["embedding:ada/eyes"], words).context.float().std().backward()
    assert flat.parameter.grad is not None
    assert flat.parameter.grad.dtype == torch.float32


def test_finished_words_are_copies(backbone: Backbone):
    words = learnable_words(backbone, "ada", TABLE)
    finished = finished_words(words, TABLE)
    with torch.no_grad():
        words.parameter.zero_()
    assert [w.attribute for w in finished] == ["eyes", "nose", "mouth"]
    assert finished[0].vectors["clip_l"].abs().max() > 0
    assert not finished[0].vectors["clip_l"].requires_grad


def test_a_prompt_names_its_words_between_spaces():
    prompt = fill_prompt("a {class},with {words}.", "man", ["ada/eyes", "ada/nose"])
    assert prompt == "a man,with embedding:ada/eyes embedding:ada/nose ."
    assert placeholders(prompt) == ["ada/eyes", "ada/nose"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Ada",
        "ada lovelace",
        "a/b",
        "ada.1",
        "adä",
        "../ada",
        "-ada",
        "--rank",
        "con",
        "lpt9",
        "Nul",
    ],
)
def test_a_name_that_is_no_word_is_refused_with_a_proposal(name: str):
    with pytest.raises(ConfigError) as caught:
        check_name(name)
    assert repr(name) in str(caught.value)
    proposal = str(caught.value).rpartition("try ")[2].strip("'")
    assert check_name(proposal) == proposal


@pytest.mark.parametrize(
    ("spoken", "name"),
    [
        ("Ada Lovelace", "ada-lovelace"),
        (" ada ", "ada"),
        ("Zoë O'Neil", "zoe-o-neil"),
        ("J. Doe", "j-doe"),
        ("ada_2", "ada_2"),
    ],
)
def test_a_spoken_name_becomes_one_that_can_be_saved(spoken: str, name: str):
    said, notes = person_name(spoken)
    assert said == name
    assert notes == ([] if spoken.strip() == name else [f"{spoken.strip()!r} is saved as {name}"])


@pytest.mark.parametrize("name", ["", "  \n", "王小明", "../ada", "a/b", "...", "con", "A" * 65])
def test_of_what_is_no_name_nothing_is_guessed(name: str):
    with pytest.raises(ConfigError, match="name"):
        person_name(name)


def test_a_name_fits_into_names_of_files():
    assert check_name("a" * 64) == "a" * 64
    for name in ("con1", "com0", "com10", "_ada", "a-", "0"):
        assert check_name(name) == name
    for length in (65, 90_000_000):
        with pytest.raises(ConfigError, match=f"{length} characters") as caught:
            check_name("x" * length)
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "noun", ["", " ", "w" * 65, "x" * 90_000_000, "\ud800", "wo\nman", "an embedding:ada/eyes"]
)
def test_a_class_noun_is_a_word_or_a_few(noun: str):
    assert check_class_noun("young woman") == "young woman"
    assert check_class_noun("女人") == "女人"
    with pytest.raises(ConfigError, match="class noun") as caught:
        check_class_noun(noun)
    assert len(str(caught.value)) < 300
