"""What an identity must say of itself before a tensor of it is read; nothing of it is believed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from math import isinf
from typing import Any, TypeVar, get_type_hints

from ..attributes import ATTRIBUTES
from ..io.tensor_files import Entry
from ..types import IdentityMeta
from .names import check_name, placeholder

T = TypeVar("T")

_LORA = "lora_unet_"
_WORD = "bundle_emb."
_LAYER = re.compile(r"(?=.{1,200}$)\w+(\.\w+)*", re.ASCII)
_ENCODER = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LONGEST = 10_000  # characters of a text, far more than any prompt has
_LARGEST = 2**64 - 1  # of a whole number: a seed's


@dataclass(frozen=True)
class StatedWord:
    """A word without its rows; `encoders` maps an encoder's name to how many there are."""

    placeholder: str
    attribute: str
    initializer: str
    encoders: Mapping[str, int]


@dataclass(frozen=True)
class Stated:
    """An identity without its tensors."""

    name: str
    words: tuple[StatedWord, ...]
    layers: tuple[str, ...]
    meta: IdentityMeta


def kohya_name(layer: str) -> str:
    """Dotted path in the diffusers U-Net -> the name ComfyUI and kohya's tools know it by."""
    return _LORA + layer.replace(".", "_")


def lora_keys(layer: str) -> tuple[str, str, str]:
    """The names of a layer's tensors: down, up, alpha."""
    name = kohya_name(layer)
    return f"{name}.lora_down.weight", f"{name}.lora_up.weight", f"{name}.alpha"


def word_key(placeholder: str, encoder: str) -> str:
    """The name of a word's rows for one text encoder."""
    return f"{_WORD}{placeholder}.{encoder}"


def counts(keys: Any) -> tuple[int, int]:
    """(LoRA tensors, words) among names of tensors; a word counts once per text encoder."""
    return sum(k.startswith(_LORA) for k in keys), sum(k.startswith(_WORD) for k in keys)


def read_stated(about: Mapping[str, Any]) -> Stated:
    """What `facea.meta` holds, as values of the right types. Raises ValueError for anything else.

    There are words and layers, for nothing is an identity that lacks either; each word is called
    `<name>/<attribute>` after an attribute of the table.
    """
    words, layers = _get(about, "words", list), _get(about, "layers", list)
    name = check_name(_get(about, "name", str))
    stated = Stated(
        name,
        tuple(_word(name, word) for word in words),
        tuple(_layer(layer) for layer in layers),
        _meta(_get(about, "training", dict)),
    )
    if not (words and layers):
        raise ValueError(f"it has {len(words)} words and {len(layers)} layers")
    _check_different([word.placeholder for word in stated.words])
    _check_different([kohya_name(layer) for layer in stated.layers])
    if len({tuple(sorted(word.encoders)) for word in stated.words}) > 1:
        raise ValueError("its words are for different text encoders")
    return stated


def check_entries(stated: Stated, entries: Mapping[str, Entry]) -> None:
    """Raise ValueError unless the tensors are exactly those of the identity, in their shapes."""
    left = dict(entries)
    widths: dict[str, int] = {}
    for word in stated.words:
        for encoder, count in word.encoders.items():
            key = word_key(word.placeholder, encoder)
            shape = _pop(left, key).shape
            width = widths.setdefault(encoder, shape[-1] if shape else 0)
            if shape != (count, width) or width < 1:
                raise ValueError(f"{key} has shape {list(shape)}, not {count} rows as wide as all")
    for layer in stated.layers:
        down, up, alpha = (_pop(left, key).shape for key in lora_keys(layer))
        if not _is_lora(down, up, stated.meta.rank) or alpha:
            raise ValueError(
                f"{kohya_name(layer)} has shapes {list(down)}, {list(up)} and {list(alpha)}, which "
                f"are not a LoRA of rank {stated.meta.rank}"
            )
    if left:
        raise ValueError(f"it holds {len(left)} tensors too many (first: {min(left)[:80]})")


def _is_lora(down: tuple[int, ...], up: tuple[int, ...], rank: int) -> bool:
    if len(down) not in (2, 4) or min(*down, *up) < 1:
        return False
    return down[0] == rank and len(up) == len(down) and up[1:] == (rank, *(1,) * (len(up) - 2))


def _word(name: str, about: Any) -> StatedWord:
    if not isinstance(about, dict):
        raise ValueError(f"a word is of type {type(about).__name__}")
    attribute = _get(about, "attribute", str)
    if attribute not in ATTRIBUTES:
        raise ValueError(f"it has a word for {attribute[:80]!r}, which is no attribute")
    wanted, key = placeholder(name, ATTRIBUTES[attribute]), _get(about, "placeholder", str)
    if key != wanted:
        raise ValueError(f"it has a word {key[:80]!r} where {wanted!r} is expected")
    initializer = _text(_get(about, "initializer", str))
    if not initializer.strip() or not initializer.isprintable():
        raise ValueError(f"the class word of {key!r} is {initializer[:80]!r}")
    encoders = _get(about, "encoders", dict)
    for encoder, count in encoders.items():
        if not _ENCODER.fullmatch(encoder) or type(count) is not int or count < 1:
            raise ValueError(f"{key!r} has {count!r:.80} rows for {encoder[:80]!r}")
    if not encoders:
        raise ValueError(f"{key!r} is for no text encoder")
    return StatedWord(key, attribute, initializer, encoders)


def _layer(layer: Any) -> str:
    if not isinstance(layer, str) or not _LAYER.fullmatch(layer):
        raise ValueError(f"{layer!r:.80} is no layer")
    return layer


def _meta(about: Mapping[str, Any]) -> IdentityMeta:
    """Each field by its type in the dataclass; what a later version added is ignored."""
    kinds = get_type_hints(IdentityMeta)
    given = {}
    for field in fields(IdentityMeta):
        required = field.default is MISSING and field.default_factory is MISSING
        if field.name in about:
            given[field.name] = _checked(_KINDS[kinds[field.name]], field.name, about[field.name])
        elif required:
            raise ValueError(f"{field.name!r} is missing")
    meta = IdentityMeta(**given)
    if meta.rank < 1:
        raise ValueError(f"its rank is {meta.rank}")
    return meta


def _checked(check: Callable[[Any], T], name: str, value: Any) -> T:
    try:
        return check(value)
    except ValueError as error:
        raise ValueError(f"its {name} is {error}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"of type {type(value).__name__}")
    if len(value) > _LONGEST:
        raise ValueError(f"{len(value)} characters long")
    value.encode("utf-8")  # half of a surrogate pair is no text
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError(f"{value!r:.80}, not a whole number")
    return value


def _number(value: Any) -> float:
    # NaN stands for what could not be measured.
    if type(value) not in (int, float) or isinf(value):
        raise ValueError(f"{value!r:.80}, not a number")
    return value


def _plain(value: Any) -> Any:
    """A setting: nothing that holds other values."""
    if isinstance(value, str):
        return _text(value)
    return value if isinstance(value, bool | None) else _number(value)


def _each(check: Callable[[Any], T]) -> Callable[[Any], Mapping[str, T]]:
    def checked(value: Any) -> Mapping[str, T]:
        if not isinstance(value, dict):
            raise ValueError(f"of type {type(value).__name__}")
        return {_text(key): check(one) for key, one in value.items()}

    return checked


_KINDS: Mapping[Any, Callable[[Any], Any]] = {
    str: _text,
    int: _count,
    Mapping[str, Any]: _each(_plain),
    Mapping[str, float]: _each(_number),
}


def _get(about: Mapping[str, Any], key: str, kind: type[T]) -> T:
    if key not in about:
        raise ValueError(f"{key!r} is missing")
    value = about[key]
    if not isinstance(value, kind):
        raise ValueError(f"{key!r} is of type {type(value).__name__}")
    return value


def _pop(entries: dict[str, Entry], key: str) -> Entry:
    if key not in entries:
        raise ValueError(f"{key!r} is missing")
    entry = entries.pop(key)
    if not entry.dtype.is_floating_point or entry.dtype.itemsize < 2:
        raise ValueError(f"{key} holds {entry.dtype} numbers")
    return entry


def _check_different(names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has {twice[:80]!r} twice")
