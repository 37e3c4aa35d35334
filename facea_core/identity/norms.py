"""How long learned words are, how far from where they began, and starts that were never trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import Identity, Word
from .words import initial_rows

if TYPE_CHECKING:
    from ..backbone import Backbone

LOUD = 0.95
"""The quantile of a table's norms that stands for a trained row. Not the median: of facea-tiny's
rows nine in ten were never trained."""


class Vocabulary(NamedTuple):
    """The words of a text encoder: its tokenizer and its `table (V, D)` of rows."""

    tokenizer: Any
    table: Tensor

    def tokens(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    @property
    def usual(self) -> float:
        """The norm of a trained row."""
        return float(torch.quantile(self.table.detach().float().cpu().norm(dim=1), LOUD))

    def untrained(self, text: str) -> bool:
        """Whether a row of the text is less than half as long as a trained one."""
        rows = self.table.detach()[self.tokens(text)].float()
        return bool((rows.norm(dim=1) < self.usual / 2).any())


def vocabularies(backbone: Backbone) -> dict[str, Vocabulary]:
    """Those of all text encoders, by the names that words carry."""
    text = backbone.text
    found = {}
    for name, encoder in text.encoders.items():
        table = encoder.get_input_embeddings().weight
        assert isinstance(table, Tensor)
        found[name] = Vocabulary(text.tokenizers[name], table)
    return found


def word_norms(word: Word, known: Mapping[str, Vocabulary] | None = None) -> dict[str, Any]:
    """By encoder, the mean `norm` of the word's rows; where its encoder is `known`, also what they
    have to do with the rows of the class word that they began as.

    `start_norm` is that of those; `cosine` in [-1, 1] and `distance` are means over the rows.
    """
    told = {}
    for encoder, rows in word.vectors.items():
        about = {"norm": round(float(rows.norm(dim=1).mean()), 4)}
        vocabulary = (known or {}).get(encoder)
        if vocabulary is not None and vocabulary.table.shape[1] == rows.shape[1]:
            tokens = vocabulary.tokens(word.initializer)
            start = initial_rows(tokens, vocabulary.table, len(rows)).cpu()
            about |= {
                "start_norm": round(float(start.norm(dim=1).mean()), 4),
                "cosine": round(float(F.cosine_similarity(rows, start).mean()), 4),
                "distance": round(float((rows - start).norm(dim=1).mean()), 4),
            }
        told[encoder] = about
    return told


def start_notes(texts: Iterable[str], known: Mapping[str, Vocabulary]) -> list[str]:
    """A note if some of the texts look as if a text encoder had never been trained on them."""
    wrong = [
        text for text in dict.fromkeys(texts) if any(v.untrained(text) for v in known.values())
    ]
    if not wrong:
        return []
    words = ", ".join(repr(text) for text in wrong)
    return [
        f"the model's text encoder does not seem to have been trained on {words}: learning begins "
        "at noise there; another word, such as man or woman, may serve better"
    ]


def identity_starts(identity: Identity) -> list[str]:
    """What an identity's prompts and words began with: its class noun and its class words."""
    return [identity.meta.class_noun, *(word.initializer for word in identity.words)]
