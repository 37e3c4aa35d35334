"""One facea-tiny for all tests of a process, and whether a test left a mark on it."""

from functools import cache
from itertools import chain

from torch import Tensor, nn

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone


@cache
def shared_tiny() -> tuple[Backbone, list[object]]:
    """Untrained, and its marks; after anything that changed them, clear this cache."""
    tiny = random_backbone(0)
    return tiny, marks(tiny)


def marks(backbone: Backbone) -> list[object]:
    """What a test could change: values, which tensors they are, hooks, attributes of a module."""
    parts = [part for module in backbone.modules for part in module.modules()]
    tensors = chain.from_iterable(
        chain(part.parameters(recurse=False), part.buffers(recurse=False)) for part in parts
    )
    return [*map(_of_module, parts), *map(_of_tensor, tensors)]


def _of_module(module: nn.Module) -> dict[str, object]:
    return {
        name: [*map(id, chain(value, value.values()))] if isinstance(value, dict) else id(value)
        for name, value in vars(module).items()
        if value is not None
    }


def _of_tensor(tensor: Tensor) -> tuple[object, ...]:
    # A pretended tensor has no memory.
    there = tensor.data_ptr() if type(tensor) in (Tensor, nn.Parameter) else None
    return there, tensor._version, tensor.dtype, tensor.requires_grad, tensor.grad
