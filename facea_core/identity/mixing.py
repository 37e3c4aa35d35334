"""Several people in one identity: parts of each, or a blend of all.

`hair: ada, mouth: ben, rest: cleo` keeps the people apart, and composing paints them one after
another. `ada: 0.5, ben: 0.5` makes somebody new, an identity like any other.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..attributes import attribute_table
from ..errors import BackboneMismatchError, ConfigError, quoted
from ..settings import check_text
from ..types import Identity, IdentityMeta, LoraWeights, Word
from ..version import __version__
from .names import GLOBAL_PROMPT, LOCAL_PROMPT, LONGEST_NAME, check_name
from .words import fill_prompt

REST = "rest"
"""Whose the head is, but for the parts that are named."""

EXAMPLE = "eyes: ada, rest: ben for parts, or ada: 0.5, ben: 0.5 for a blend"

_SEPARATOR = re.compile(r"[,;/\n]")


def mix_people(people: Sequence[Identity], how: str, name: str = "") -> Identity:
    """The mix of people that `how` asks for: a list of `part: person`, or of `person: share`.

    Items are divided by commas, semicolons, slashes or lines. Of parts, one is `rest`: the identity
    is that person with `Identity.parts` of the others. Shares are of their sum; the blend is called
    `name`, or after all whom it is made of. Raises ConfigError for a text that says neither, an
    unknown or doubled part or person, words that are not alike, and a mix of mixes;
    BackboneMismatchError for people who were learned on different models.
    """
    known = _by_name(people)
    items = _items(how)
    shares = {key: _number(value) for key, value in items.items()}
    if all(share is None for share in shares.values()):
        return _by_parts(known, items)
    for key, share in shares.items():
        if share is None or not 0 <= share < math.inf:
            raise ConfigError(
                f"how gives {key} the share {quoted(items[key])}; give each person a number from "
                f"0, or each part a person: {EXAMPLE}"
            )
    given = {_person(known, key).name: share or 0.0 for key, share in shares.items()}
    return blend([(known[key], share) for key, share in given.items()], name)


def blend(people: Sequence[tuple[Identity, float]], name: str = "") -> Identity:
    """One identity between several, each with its share of their sum.

    The change of every layer is the weighted sum of theirs, by factors side by side: the rank is
    the sum of their ranks. Words are those of the parts that all have learned, weighted too. Who
    has no share adds nothing. Raises as `mix_people`.
    """
    named = name or "-".join(one.name for one, _ in people)[:LONGEST_NAME]
    total = sum(share for _, share in people)
    if not total:
        raise ConfigError("how gives nobody a share; give somebody more than 0: ada: 0.5, ben: 0.5")
    parents = [(one, share / total) for one, share in people if share]
    check_alike([one for one, _ in parents])
    words = _blended_words(check_name(named), parents)
    lora = {path: _joined(path, parents) for path in _layers(parents)}
    return Identity(named, words, lora, _blended_meta(words, parents))


def check_alike(people: Sequence[Identity]) -> None:
    """Raise BackboneMismatchError unless all were learned on one model, ConfigError for a mix."""
    first = people[0]
    for one in people:
        check_whole(one)
        for what in ("family", "backbone_hash", "prediction", "clip_skip"):
            here, there = getattr(first.meta, what), getattr(one.meta, what)
            if here != there:
                raise BackboneMismatchError(
                    f"{first.name} was learned on another model than {one.name} ({what} {here!r} "
                    f"and {there!r}); mix people of one model, or learn one of them again"
                )


def check_whole(identity: Identity) -> None:
    """Raise ConfigError for a mix by parts, where one person or a blend is needed."""
    if identity.parts:
        parts = ", ".join(f"{part}: {one.name}" for part, one in identity.parts.items())
        raise ConfigError(
            f"{identity.name} is a mix by parts ({parts}), which only composing can paint; wire it "
            "into FaceA Inpaint Compose, or mix by shares for a LoRA: ada: 0.5, ben: 0.5"
        )


def everybody(identity: Identity) -> tuple[Identity, ...]:
    """The identity itself and those whose parts it has, each once."""
    return tuple(dict.fromkeys((identity, *identity.parts.values())))


def _by_name(people: Sequence[Identity]) -> dict[str, Identity]:
    names = [one.name for one in people]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"two of the people are named {twice!r}; learn one under another name")
    return dict(zip(names, people, strict=True))


def _items(how: str) -> dict[str, str]:
    items: dict[str, str] = {}
    for item in filter(str.strip, _SEPARATOR.split(check_text("how", how))):
        key, colon, value = (piece.strip().lower() for piece in item.partition(":"))
        if not (key and colon and value):
            raise ConfigError(f"how has {quoted(item.strip())}; write {EXAMPLE}")
        if key in items:
            raise ConfigError(f"how has {quoted(key)} more than once; give it once")
        items[key] = value
    if not items:
        raise ConfigError(f"how is empty; write {EXAMPLE}")
    return items


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _person(known: Mapping[str, Identity], name: str) -> Identity:
    if name not in known:
        raise ConfigError(
            f"how names {quoted(name)}, who is not given (given: {', '.join(known)}); give the "
            f"name that the person was learned by: {EXAMPLE}"
        )
    return known[name]


def _by_parts(known: Mapping[str, Identity], items: Mapping[str, str]) -> Identity:
    named = [part for part in items if part != REST]
    if named:
        attribute_table(named)
    whose = {part: _person(known, name) for part, name in items.items()}
    if REST not in whose or not named:
        raise ConfigError(
            f"how names {', '.join(items)}; give at least one part and whose the rest is: "
            "eyes: ada, rest: ben"
        )
    rest = whose.pop(REST)
    check_alike([rest, *whose.values()])
    return replace(rest, parts={part: one for part, one in whose.items() if one is not rest})


def _blended_words(name: str, parents: Sequence[tuple[Identity, float]]) -> tuple[Word, ...]:
    words = []
    for first in parents[0][0].words:
        alike = [(one.word(first.attribute), share) for one, share in parents]
        known = [(word, share) for word, share in alike if word is not None]
        if len(known) < len(parents):
            continue
        for (one, _), (word, _) in zip(parents, known, strict=True):
            if _shapes(word) != _shapes(first):
                raise ConfigError(
                    f"the word {first.attribute!r} of {parents[0][0].name} has "
                    f"{_shapes(first)}, that of {one.name} {_shapes(word)}; blend people whose "
                    "words have as many vectors"
                )
        vectors = {
            encoder: sum((share * word.vectors[encoder] for word, share in known), torch.zeros(()))
            for encoder in first.vectors
        }
        key = f"{name}/{first.attribute}"
        words.append(Word(key, first.attribute, first.initializer, vectors))
    if not words:
        raise ConfigError(
            f"{', '.join(one.name for one, _ in parents)} have no learned word in common; learn "
            "them with the same attributes"
        )
    return tuple(words)


def _shapes(word: Word) -> dict[str, tuple[int, ...]]:
    return {encoder: tuple(rows.shape) for encoder, rows in word.vectors.items()}


def _layers(parents: Sequence[tuple[Identity, float]]) -> list[str]:
    return list(dict.fromkeys(path for one, _ in parents for path in one.lora))


def _joined(path: str, parents: Sequence[tuple[Identity, float]]) -> LoraWeights:
    """Factors side by side, each with the root of its weight, so that their product is the sum."""
    like = next(one.lora[path] for one, _ in parents if path in one.lora)
    downs: list[Tensor] = []
    ups: list[Tensor] = []
    for one, share in parents:
        own = one.lora.get(path)
        if own is None:  # a layer that this person left alone
            rank = one.meta.rank
            downs.append(like.down.new_zeros(rank, *like.down.shape[1:]))
            ups.append(like.up.new_zeros(like.up.shape[0], rank, *like.up.shape[2:]))
            continue
        if (own.down.shape[1:], own.up.shape[0]) != (like.down.shape[1:], like.up.shape[0]):
            raise BackboneMismatchError(
                f"layer {path!r} has another shape in {one.name}; mix people of one model"
            )
        root = math.sqrt(share * own.alpha / own.down.shape[0])
        downs.append(root * own.down)
        ups.append(root * own.up)
    down, up = torch.cat(downs, dim=0), torch.cat(ups, dim=1)
    return LoraWeights(down, up, float(down.shape[0]))


def _blended_meta(words: Sequence[Word], parents: Sequence[tuple[Identity, float]]) -> IdentityMeta:
    first = parents[0][0].meta
    nouns = {one.meta.class_noun for one, _ in parents}
    noun = nouns.pop() if len(nouns) == 1 else "person"
    prompts = {
        "global_prompt": str(first.config.get("global_prompt") or GLOBAL_PROMPT),
        "local_prompt": str(first.config.get("local_prompt") or LOCAL_PROMPT),
    }
    sizes = [
        key for key in first.part_sizes if all(key in one.meta.part_sizes for one, _ in parents)
    ]
    made_of = [(one.name, one.meta.origin, share) for one, share in parents]
    return IdentityMeta(
        family=first.family,
        backbone_hash=first.backbone_hash,
        class_noun=noun,
        prompt=fill_prompt(prompts["global_prompt"], noun, [word.placeholder for word in words]),
        steps=0,
        seed=0,
        rank=sum(one.meta.rank for one, _ in parents),
        config=prompts,
        tool_version=__version__,
        origin=hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16],
        prediction=first.prediction,
        resolution=first.resolution,
        clip_skip=first.clip_skip,
        part_sizes={
            key: sum(share * one.meta.part_sizes[key] for one, share in parents) for key in sizes
        },
        mixed_from={one.name: share for one, share in parents},
    )
