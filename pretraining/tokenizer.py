"""The miniature's tokenizer: CLIP's byte-level BPE with a vocabulary of the painter's words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

START, END = "<|startoftext|>", "<|endoftext|>"


def byte_characters() -> list[str]:
    """The 256 printable stand-ins that CLIP's BPE (from GPT-2) writes for the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def _pieces(word: str, merges: dict[tuple[str, str], int]) -> list[str]:
    pieces = [*word[:-1], word[-1] + "</w>"]
    while known := [pair for pair in pairwise(pieces) if pair in merges]:
        first = min(known, key=merges.__getitem__)
        at = list(pairwise(pieces)).index(first)
        pieces[at : at + 2] = ["".join(first)]
    return pieces


def write_tokenizer(folder: Path, vocabulary: Iterable[str]) -> None:
    """Write `vocab.json` and `merges.txt` such that each word of `vocabulary` is one token.

    Any other text still tokenizes, into pieces and single bytes.
    """
    characters = byte_characters()
    tokens = dict.fromkeys([*characters, *(c + "</w>" for c in characters)])
    merges: dict[tuple[str, str], int] = {}
    for word in sorted(set(vocabulary)):
        # New merges rank below the old ones, so they never change how an earlier word is read.
        while len(pieces := _pieces(word, merges)) > 1:
            merges[pieces[0], pieces[1]] = len(merges)
            tokens.setdefault(pieces[0] + pieces[1])
    ids = {token: i for i, token in enumerate([*tokens, START, END])}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False) + "\n", "utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
        "model_max_length": 48,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
