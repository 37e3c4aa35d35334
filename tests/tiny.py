"""One facea-tiny for all tests of a process, and whether a test left a mark on it."""

from functools import cache
from itertools import chain

from torch import nn

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone


@cache
def shared_tiny() -> Backbone:
    """Untrained; `shared_tiny.cache_clear()` after anything that marked it."""
    return random_backbone(0)


def marks(backbone: Backbone) -> list[object]:
    """What a test could change: values, which tensors they are, hooks, attributes of a module."""
    parts = [part for module in backbone.modules for part in module.modules()]
    return [_of_module(part) for part in parts] + [
        (
            tensor._version,
            tensor.data_ptr(),
            tensor.dtype,
            tensor.requires_grad,
            tensor.grad is None,
        )
        for part in parts
        for tensor in chain(part.parameters(recurse=False), part.buffers(recurse=False))
    ]


def _of_module(module: nn.Module) -> dict[str, object]:
    return {
        name: {key: id(one) for key, one in value.items()} if isinstance(value, dict) else id(value)
        for name, value in vars(module).items()
    }
