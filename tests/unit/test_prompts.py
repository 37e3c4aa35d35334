"""Prompts: what the host prepares, and what is left for the device."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from facea_core.backbone import Backbone

PROMPTS = ["a photo of embedding:ada/eyes", "long " * 60 + "embedding:ada/nose", ""]


def two_words(rows: Tensor) -> dict[str, dict[str, Tensor]]:
    return {"ada/eyes": {"clip_l": rows[:2]}, "ada/nose": {"clip_l": rows[2:]}}


class Devices(TorchDispatchMode):
    """Notes where the tensors are that any operation reads or makes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for value in tree_iter((args, kwargs, result)):
            if isinstance(value, Tensor):
                self.seen.add(value.device.type)
        return result


def on_pretended_gpu(mode: FakeTensorMode, *modules: nn.Module) -> None:
    for module in (inner for outer in modules for inner in outer.modules()):
        for store in (module._parameters, module._buffers):
            moved = {
                name: mode.from_tensor(x).to("cuda") for name, x in store.items() if x is not None
            }
            cast(dict[str, Any], store).update(moved)


def test_a_step_on_prepared_prompts_leaves_the_host_out(backbone: Backbone):
    """As inside a CUDA graph: a value that the host reads raises, a copy from it is noted."""
    with FakeTensorMode() as mode:
        on_pretended_gpu(mode, backbone.unet, *backbone.text_encoders.values())
        table = torch.ones(5, 128, device="cuda", requires_grad=True)
        words = two_words(table)
        prepared = backbone.prepare_prompts(PROMPTS, words)
        latent, mask = torch.ones(2, 4, 8, 8, device="cuda"), torch.ones(2, 1, 8, 8, device="cuda")
        time, rows = torch.ones(2, device="cuda").long(), torch.ones(2, device="cuda").long()
        with Devices() as devices:
            condition = backbone.encode_prepared(prepared, words).select(rows)
            backbone.predict(latent, time, condition, mask, latent)
    assert condition.context.shape == (2, 96, 128)
    assert condition.context.requires_grad
    assert devices.seen == {"cuda"}


def test_what_was_prepared_serves_every_state_of_its_words(backbone: Backbone):
    rows = torch.randn(5, 128, generator=torch.Generator().manual_seed(0))
    old, new = two_words(rows), two_words(2 * rows)
    context = backbone.encode_prepared(backbone.prepare_prompts(PROMPTS, old), new).context
    assert torch.equal(context, backbone.encode_prompts(PROMPTS, new).context)
    assert not torch.equal(context, backbone.encode_prompts(PROMPTS, old).context)
