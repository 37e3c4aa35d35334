"""Numbers of other packs: numpy's and torch's as Python's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


def plain_numbers(execute: Callable[..., Any]) -> Callable[..., Any]:
    """For `execute`: single numbers of numpy and torch come as Python's int, float or bool."""

    @wraps(execute)
    def with_plain(cls: type, **inputs: Any) -> Any:
        return execute(cls, **{name: _plain(value) for name, value in inputs.items()})

    return with_plain


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value] if len(value) == 1 else value
    alone = getattr(value, "ndim", None) == 0 and hasattr(value, "item")
    return value.item() if alone else value
