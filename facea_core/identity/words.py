"""Learned words: a few embedding rows per attribute, trained apart from the frozen token table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..attributes import Attribute
from ..backbone.prompts import placeholders
from ..types import Identity, Word
from .flat import Flat
from .names import LOCAL_PROMPT, placeholder

if TYPE_CHECKING:
    from ..backbone import Backbone


def learnable_words(backbone: Backbone, name: str, table: Sequence[Attribute]) -> Flat:
    """`<placeholder>.<encoder>` -> `(n, D)`, starting as the token rows of the class word.

    A word of more rows than the class word has tokens repeats them; one of fewer starts at their
    mean. A coarse class word as the start is textual inversion's (2208.01618). The token table
    itself is only read.
    """
    return Flat.of(
        {
            f"{placeholder(name, attribute)}.{encoder}": _initial(backbone, encoder, attribute)
            for attribute in table
            for encoder in backbone.text.encoders
        },
        backbone.device,
    )


def by_placeholder(vectors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """`{"<placeholder>.<encoder>": (n, D)}` -> what `TextEncoders.encode` takes."""
    words: dict[str, dict[str, Tensor]] = {}
    for name, rows in vectors.items():
        key, _, encoder = name.rpartition(".")
        words.setdefault(key, {})[encoder] = rows
    return words


def finished_words(words: Flat, table: Sequence[Attribute]) -> tuple[Word, ...]:
    """The trained words as values: float32 copies on the CPU, in the table's order."""
    vectors = by_placeholder(words.values())
    return tuple(
        Word(key, attribute.name, attribute.name, rows)
        for attribute, (key, rows) in zip(table, vectors.items(), strict=True)
    )


def fill_prompt(template: str, class_noun: str, keys: Iterable[str]) -> str:
    """A prompt template with its words, each spelled `embedding:<placeholder>` between spaces."""
    return plain_prompt(template, class_noun, [f"embedding:{key}" for key in keys])


def plain_prompt(template: str, class_noun: str, words: Iterable[str]) -> str:
    """A prompt template with ordinary words in the place of learned ones."""
    said = f" {' '.join(words)} "
    return " ".join(template.format_map({"class": class_noun, "words": said}).split())


def part_prompt(identity: Identity, part: str, prompt: str = "") -> str:
    """The prompt that paints one part: as it was learned, or a user's own with the part's word.

    A part that has no word of its own is painted by all words of the person.
    """
    word = identity.word(part)
    if word is None:
        return prompt or identity.meta.prompt
    if prompt:
        mine = {one.placeholder for one in identity.words}
        named = mine & set(placeholders(prompt))
        return prompt if named else f"{prompt} embedding:{word.placeholder}"
    template = str(identity.meta.config.get("local_prompt") or LOCAL_PROMPT)
    return fill_prompt(template, identity.meta.class_noun, [word.placeholder])


def _initial(backbone: Backbone, encoder: str, attribute: Attribute) -> Tensor:
    tokens = backbone.text.tokenizers[encoder].encode(attribute.name, add_special_tokens=False)
    table = backbone.text.encoders[encoder].get_input_embeddings().weight
    assert isinstance(table, Tensor)
    return initial_rows(tokens, table, 1)


def initial_rows(tokens: Sequence[int], table: Tensor, count: int) -> Tensor:
    """`(count, D)` float32: where a word starts whose class word has these tokens in the table."""
    rows = table.detach()[torch.tensor(tokens, device=table.device)].float()
    if count < len(rows):
        rows = rows.mean(dim=0, keepdim=True)
    return rows[torch.arange(count) % len(rows)].clone()
