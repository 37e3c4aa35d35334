"""`facea info`: what an identity file says about itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .flags import parse
from .forms import Info


def run(arguments: Sequence[str]) -> None:
    flags, _ = parse("facea info", Info, arguments)
    from ..identity import describe_identity
    from .talk import say, say_json

    facts = describe_identity(flags.file)
    if flags.json:
        say_json(facts)
        return
    words = facts.pop("words")
    for key, value in facts.items():
        if value not in ("", {}, None):
            say(f"{key.replace('_', ' '):<16}{_text(value)}")
    for word in words:
        rows = ", ".join(f"{encoder} {n}" for encoder, n in word["vectors"].items())
        norms = ", ".join(f"{one['norm']:.2f}" for one in word["norms"].values())
        start = f"from {word['initializer']!r}; rows: {rows}; norm {norms}"
        say(f"{'word':<16}{word['prompt']} ({start})")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return str(value)
