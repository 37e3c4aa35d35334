"""ComfyUI's lists: photos of one person, of any sizes, belong together; all else is one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any, TypeVar

import torch

from ...facea_core.errors import ConfigError, ImageError
from .layout import image_of, images_in

T = TypeVar("T")

_SCALARS = (str, int, float)


def lists_of(*kept: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """For the `execute` of a node with `is_input_list`: lists for the inputs in `kept` only.

    Of every other input there must be one value, and it comes as that. Raises ConfigError for
    several different ones: ComfyUI would have made one run for each.
    """

    def decorate(execute: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(execute)
        def alone(cls: type, **inputs: Sequence[Any]) -> Any:
            return execute(
                cls,
                **{
                    name: values if name in kept else _only(name, values)
                    for name, values in inputs.items()
                },
            )

        return alone

    return decorate


def photos_in(batches: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], list[str]]:
    """The images (1, 3, H, W) of all batches, in order, and notes. Raises ImageError."""
    if not batches:
        raise ImageError("there are no photos: the wired list is empty; give at least one")
    read = [images_in(batch) for batch in batches]
    pictures = [picture for some, _ in read for picture in some]
    return pictures, list(dict.fromkeys(note for _, notes in read for note in notes))


def photos_out(
    pictures: Iterable[torch.Tensor], batches: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """Images (1, 3, H, W) as a list of IMAGEs, as many in each as in `batches`."""
    left = iter(pictures)
    return [image_of(len(batch), left) for batch in batches]


def split(values: Sequence[T], batches: Sequence[torch.Tensor]) -> Iterator[Sequence[T]]:
    """The values in as many runs as there are batches, each as long as its batch."""
    start = 0
    for batch in batches:
        yield values[start : start + len(batch)]
        start += len(batch)


def _only(name: str, values: Sequence[Any]) -> Any:
    if not values:
        raise ConfigError(f"{name} came as an empty list; wire something that has a value")
    first, *others = values
    if any(one is not first and not _same(one, first) for one in others):
        raise ConfigError(
            f"{name} came as a list of {len(values)} different values, but all photos wired here "
            "are taken together, as one person's; wire one value, and use a second node for "
            "another"
        )
    return first


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, _SCALARS) and isinstance(other, _SCALARS) and one == other
