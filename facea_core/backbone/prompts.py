"""Prompts with learned words: text and `embedding:<placeholder>` become one context."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import ConfigError

if TYPE_CHECKING:
    from transformers import CLIPTextModel

    from .backbone import Backbone

Words = Mapping[str, Mapping[str, Tensor]]
"""placeholder -> encoder name -> `(n, D)`."""

WORD = re.compile(r"embedding:([\w-]+(?:[./][\w-]+)*)")
"""How a prompt spells a learned word; ComfyUI's own spelling."""


def placeholders(prompt: str) -> list[str]:
    """The learned words that a prompt uses, in order."""
    return WORD.findall(prompt)


def spaced(prompt: str) -> str:
    """The prompt with a space on both sides of each learned word: ComfyUI reads no other."""
    return " ".join(WORD.sub(r" \g<0> ", prompt).split())


def encode_prompts(backbone: Backbone, prompts: Sequence[str], words: Words) -> Tensor:
    """See `Backbone.encode_prompts`. Encoders' contexts are joined along D."""
    contexts = [_encode(backbone, name, prompts, words) for name in backbone.text_encoders]
    return torch.cat(contexts, dim=-1)


def _encode(backbone: Backbone, name: str, prompts: Sequence[str], words: Words) -> Tensor:
    encoder, tokenizer = backbone.text_encoders[name], backbone.tokenizers[name]
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    room = backbone.spec.max_tokens - 2
    rows: list[list[int | Tensor]] = []
    counts = []
    for prompt in prompts:
        tokens = _tokenize(tokenizer, prompt, name, words)
        # As ComfyUI does: a long prompt becomes several chunks, encoded apart, joined along L.
        chunks = [tokens[i : i + room] for i in range(0, len(tokens), room)] or [[]]
        counts.append(len(chunks))
        rows += [[start, *c, *[end] * (room + 1 - len(c))] for c in chunks]
    ids = torch.tensor([[t if isinstance(t, int) else end for t in row] for row in rows])
    spots = [
        (r, c, t) for r, row in enumerate(rows) for c, t in enumerate(row) if not isinstance(t, int)
    ]
    with _splice(encoder, spots):
        states = encoder(input_ids=ids.to(backbone.device)).last_hidden_state
    # Cross-attention does not change when its context is repeated: lengths are levelled exactly.
    longest = math.lcm(*counts)
    split = torch.split(states, counts)
    return torch.stack([s.flatten(0, 1).repeat(longest // len(s), 1) for s in split])


def _tokenize(tokenizer, prompt: str, name: str, words: Words) -> list[int | Tensor]:
    tokens: list[int | Tensor] = []
    # re.split with one group alternates text and placeholder.
    for i, piece in enumerate(WORD.split(prompt)):
        if i % 2 == 0:
            # Long prompts are split below, so the tokenizer's warning about length is switched off.
            tokens += tokenizer(piece, add_special_tokens=False, verbose=False).input_ids
        elif piece in words:
            tokens += list(words[piece][name].unbind(0))
        else:
            known = ", ".join(sorted(words)) or "none"
            raise ConfigError(
                f"prompt word 'embedding:{piece}' is unknown; known words: {known}. "
                "Check the spelling or pass the identity that it belongs to."
            )
    return tokens


@contextmanager
def _splice(encoder: CLIPTextModel, spots: list[tuple[int, int, Tensor]]) -> Iterator[None]:
    """Put learned rows where the prompt has them; the frozen token table is never written."""
    if not spots:
        yield
        return

    def replace(_module, _inputs, output: Tensor) -> Tensor:
        rows = torch.tensor([r for r, _, _ in spots], device=output.device)
        columns = torch.tensor([c for _, c, _ in spots], device=output.device)
        vectors = torch.stack([v for _, _, v in spots]).to(output)
        return output.index_put((rows, columns), vectors)

    handle = encoder.get_input_embeddings().register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()
