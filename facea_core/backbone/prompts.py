"""Prompts with learned words: text and `embedding:<placeholder>` become one context."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..errors import ConfigError, quoted, shortened
from ..settings import check_text
from .spec import Reading

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

Words = Mapping[str, Mapping[str, Tensor]]
"""placeholder -> encoder name -> `(n, D)`."""

WORD = re.compile(r"embedding:([\w-]+(?:[./][\w-]+)*)")
"""How a prompt spells a learned word; ComfyUI's own spelling."""

_NO_WORD = re.compile(r"embedding:(?![\w-])\S*")


def placeholders(prompt: str) -> list[str]:
    """The learned words that a prompt uses, in order.

    Raises `ConfigError` for an `embedding:` that is followed by a path or by nothing.
    """
    if wrong := _NO_WORD.search(prompt):
        raise ConfigError(
            f"the prompt asks for {quoted(wrong[0])}, which is no word; write embedding:name/part"
        )
    return WORD.findall(prompt)


def spaced(prompt: str) -> str:
    """The prompt with a space on both sides of each learned word: ComfyUI reads no other."""
    return " ".join(WORD.sub(r" \g<0> ", prompt).split())


@dataclass(frozen=True, eq=False)
class Tokens:
    """Prompts as one text encoder takes them, tensors on its device.

    `ids (R, L)` are the chunks of all prompts. Learned rows replace `ids[rows, columns]`, N of
    them; their numbers in `source` count the rows of all of the prompts' words, joined.
    """

    ids: Tensor
    rows: Tensor
    columns: Tensor
    source: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Prompts after all work of the host: `encode_prepared` only computes on the device.

    `tokens` by encoder; `counts` the chunks of each prompt; `words` the placeholders they use.
    """

    tokens: Mapping[str, Tokens]
    counts: tuple[int, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Conditioning:
    """Encoded prompts: `context (B, L, D)`; `pooled (B, P)` where the family has it (SDXL)."""

    context: Tensor
    pooled: Tensor | None = None

    def select(self, index: Tensor) -> Conditioning:
        """Rows `index (N,)` long, in that order: encode each distinct prompt once, then gather."""
        pooled = None if self.pooled is None else self.pooled.index_select(0, index)
        return Conditioning(self.context.index_select(0, index), pooled)

    def expand(self, count: int) -> Conditioning:
        """One prompt for a batch of `count`."""
        return self.select(torch.zeros(count, dtype=torch.long, device=self.context.device))


@dataclass(frozen=True, eq=False)
class TextEncoders:
    """What turns prompts with learned words into a context.

    `encoders` and `tokenizers` share their keys (`clip_l`, `clip_g`), which are also the names that
    words carry in identity files; `reading` has the same keys where an encoder is not read plainly.
    `max_tokens` is the length of a chunk, its start and end included.
    """

    encoders: Mapping[str, CLIPTextModel | CLIPTextModelWithProjection]
    tokenizers: Mapping[str, CLIPTokenizer]
    max_tokens: int
    reading: Mapping[str, Reading] = field(default_factory=dict)

    def encode(self, prompts: Sequence[str], words: Words | None = None) -> Conditioning:
        """`prepare` and `encode_prepared` in one."""
        return self.encode_prepared(self.prepare(prompts, words), words)

    def prepare(self, prompts: Sequence[str], words: Words | None = None) -> Prepared:
        """Tokenises prompts; the result serves every state of the same words.

        `words` maps a placeholder to `{encoder name: (n, D)}`; a prompt uses it as
        `embedding:<placeholder>`. Raises `ConfigError` for a placeholder that is not there and
        for a prompt that is too long.
        """
        words = words or {}
        for prompt in prompts:
            check_text("the prompt", prompt)
        used = tuple(dict.fromkeys(name for prompt in prompts for name in placeholders(prompt)))
        for name in used:
            if name not in words:
                known = ", ".join(sorted(words)) or "none"
                raise ConfigError(
                    f"prompt word 'embedding:{shortened(name)}' is unknown; known words: {known}. "
                    "Check the spelling or pass the identity that it belongs to."
                )
        tokens, counts = {}, ()
        for encoder in self.encoders:
            lengths = {name: len(words[name][encoder]) for name in used}
            tokens[encoder], counts = self._tokens(encoder, prompts, lengths)
        return Prepared(tokens, counts, used)

    def encode_prepared(self, prepared: Prepared, words: Words | None = None) -> Conditioning:
        """Context `(B, L, D)` of prepared prompts, differentiable in the tensors of `words`.

        Contexts of several encoders are joined along D. Device work only, so a CUDA graph can hold
        it. Of `words`, only the values may differ from those that the prompts were prepared with.
        """
        words = words or {}
        contexts, pooled = [], None
        for name, tokens in prepared.tokens.items():
            reading = self.reading.get(name, Reading())
            encoder = self.encoders[name]
            learned = [words[placeholder][name] for placeholder in prepared.words]
            with _splice(encoder, tokens, learned):
                output = encoder(tokens.ids, output_hidden_states=not reading.norm)
            # Layers behind the one that is read are never built: with a norm it is the last.
            hidden = (
                output.last_hidden_state if reading.norm else output.hidden_states[reading.layer]
            )
            contexts.append(hidden)
            if reading.pooled:
                firsts = output.text_embeds.split(prepared.counts)
                pooled = torch.stack([chunks[0] for chunks in firsts])
        # Cross-attention does not change when its context is repeated: so lengths are levelled.
        context, longest = torch.cat(contexts, dim=-1), math.lcm(*prepared.counts)
        if longest > 1:
            chunks = context.split(prepared.counts)
            context = torch.stack([c.flatten(0, 1).repeat(longest // len(c), 1) for c in chunks])
        return Conditioning(context, pooled)

    def _tokens(
        self, encoder: str, prompts: Sequence[str], lengths: Mapping[str, int]
    ) -> tuple[Tokens, tuple[int, ...]]:
        """The chunks of all prompts, and how many each has; `lengths` are the rows of each word."""
        tokenizer: Any = self.tokenizers[encoder]
        start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
        pad = self.reading.get(encoder, Reading()).pad
        pad = end if pad is None else pad
        device = self.encoders[encoder].device
        room = self.max_tokens - 2
        first = dict(zip(lengths, accumulate(lengths.values(), initial=0), strict=False))
        ids: list[list[int]] = []
        spots: list[tuple[int, int, int]] = []
        counts = []
        # re.split with one group alternates text and placeholder.
        pieces = [WORD.split(prompt) for prompt in prompts]
        texts = [text for some in pieces for text in some[::2]]
        # Long prompts are split below; its warning about length is switched off.
        plain = iter(tokenizer(texts, add_special_tokens=False, verbose=False).input_ids)
        for some in pieces:
            # Below 0: row number ~token of the learned words.
            row: list[int] = []
            for i, piece in enumerate(some):
                learned = i % 2 == 1
                rows = range(lengths[piece]) if learned else ()
                row += [~(first[piece] + n) for n in rows] if learned else next(plain)
            # As ComfyUI does: a long prompt becomes several chunks, encoded apart, joined along L.
            chunks = [row[i : i + room] for i in range(0, len(row), room)] or [[]]
            counts.append(len(chunks))
            for chunk in chunks:
                spots += [(len(ids), 1 + i, ~token) for i, token in enumerate(chunk) if token < 0]
                # The pooled state is that of the first end token: none may stand for a learned row.
                known = [start if token < 0 else token for token in chunk]
                ids.append([start, *known, end, *[pad] * (room - len(chunk))])
        rows, columns = (
            torch.tensor([spot[:2] for spot in spots], dtype=torch.long)
            .view(-1, 2)
            .to(device)
            .unbind(1)
        )
        source = tuple(number for _, _, number in spots)
        return Tokens(torch.tensor(ids).to(device), rows, columns, source), tuple(counts)


@contextmanager
def _splice(
    encoder: CLIPTextModel | CLIPTextModelWithProjection, tokens: Tokens, learned: list[Tensor]
) -> Iterator[None]:
    """Put learned rows where the prompt has them; the frozen token table is never written."""
    if not learned:
        yield
        return

    def replace(_module, _inputs, output: Tensor) -> Tensor:
        rows = torch.cat(learned).to(output).unbind(0)
        # Stacked: gradients of a word used twice are then summed in the same order on any device.
        vectors = torch.stack([rows[number] for number in tokens.source])
        return output.index_put((tokens.rows, tokens.columns), vectors)

    handle = encoder.get_input_embeddings().register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()
