"""What a step computes in fewer kernels is what the plain way computes, in layers and attention."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from facea_core.backbone import Backbone
from facea_core.identity.adapters import frozen
from facea_core.identity.flat import Flat
from facea_core.identity.lora import LoraLayer, lora, project
from facea_core.training.gpu import attention
from facea_core.training.gpu.attention import LeanAttention, lean_attention

# Many tensors as one


def test_views_are_the_tensors_and_their_gradient_is_the_parameters():
    tensors = {"a": torch.randn(2, 3), "b": torch.randn(4), "c": torch.randn(1, 2, 1, 1)}
    flat = Flat.of(tensors, "cpu")
    for name, value in flat.values().items():
        assert torch.equal(value, tensors[name])
    (3 * flat.views(torch.bfloat16)["b"].float().sum()).backward()
    grad = flat.parameter.grad
    assert grad is not None
    assert grad.dtype == torch.float32
    assert torch.equal(grad, torch.tensor([0.0] * 6 + [3.0] * 4 + [0.0] * 2))
    assert flat.layout == Flat.of(tensors, "cpu").layout
    assert flat.layout != Flat.of(dict(reversed(tensors.items())), "cpu").layout


# The lean kernels compute what the plain ones do


@pytest.mark.parametrize("count", [1, 3])
def test_the_lean_lora_has_the_gradients_of_autograd(count: int):
    random = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=random, requires_grad=True)

    layers = [LoraLayer(nn.Linear(6, 4 + i, bias=i != 1).double()) for i in range(count)]
    x, pairs = draw(2, 5, 6), [(draw(3, 6), draw(4 + i, 3)) for i in range(count)]

    def lean(x: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        for i, layer in enumerate(layers):
            layer.down, layer.up = tensors[2 * i : 2 * i + 2]
        return project(x, *layers)

    flat = [tensor for pair in pairs for tensor in pair]
    with frozen(*layers):
        for y, layer, (down, up) in zip(lean(x, *flat), layers, pairs, strict=True):
            torch.testing.assert_close(y, layer.base(x) + x @ down.t() @ up.t())
        assert torch.autograd.gradcheck(lean, (x, *flat))


def test_layers_that_share_an_input_are_what_each_is_alone(backbone: Backbone):
    attention = next(m for n, m in backbone.unet.named_modules() if n.endswith("attn1"))
    x = torch.randn(2, 9, attention.to_q.in_features)
    for targets in (None, "attention"):
        with lora(backbone.unet, 2, targets) if targets else nullcontext():
            layers = attention.to_q, attention.to_k, attention.to_v
            for together, layer in zip(project(x, *layers), layers, strict=True):
                torch.testing.assert_close(together, layer(x))


@pytest.mark.parametrize("targets", ["attention", "wide"])
def test_the_lora_learns_what_pefts_does(backbone: Backbone, targets: str):
    from peft import LoraConfig, inject_adapter_in_model

    from facea_core.identity.targets import TARGETS

    x, context = torch.randn(2, 9, 8, 8), torch.randn(2, 7, 128)

    def loss() -> Tensor:
        return (
            backbone.unet(x, torch.tensor([7, 500]), context, return_dict=False)[0].square().mean()
        )

    with lora(backbone.unet, 4, targets, generator=torch.Generator().manual_seed(0)) as adapter:
        with torch.no_grad():
            adapter.flat.parameter.add_(0.01)
        adapter.bind()
        loss().backward()
        start = adapter.flat.values()
        assert adapter.flat.parameter.grad is not None
        mine = Flat(nn.Parameter(adapter.flat.parameter.grad), adapter.flat.shapes).values()
    inject_adapter_in_model(
        LoraConfig(r=4, lora_alpha=4, target_modules=TARGETS[targets]), backbone.unet, "p"
    )
    theirs = {
        name.replace(".lora_A.p.weight", ".lora_down").replace(".lora_B.p.weight", ".lora_up"): p
        for name, p in backbone.unet.named_parameters()
        if ".lora_" in name
    }
    assert theirs.keys() == mine.keys()
    with torch.no_grad():
        for name, parameter in theirs.items():
            parameter.copy_(start[name])
    loss().backward()
    for name, parameter in theirs.items():
        assert parameter.grad is not None
        torch.testing.assert_close(mine[name], parameter.grad, atol=1e-6, rtol=1e-3)


def test_lean_attention_is_the_plain_one_to_the_bit_and_is_taken_out(backbone: Backbone):
    x, context = torch.randn(2, 9, 8, 8), torch.randn(2, 7, 128)
    before = dict(backbone.unet.attn_processors)
    with torch.no_grad():
        plain = backbone.unet(x, 7, context).sample
        with lean_attention(backbone.unet) as processor:
            assert set(backbone.unet.attn_processors.values()) == {processor}
            lean = backbone.unet(x, 7, context).sample
    assert torch.equal(lean, plain)
    after = backbone.unet.attn_processors
    assert all(after[name] is value for name, value in before.items())


def test_an_attention_of_another_kind_keeps_its_own_processor(backbone: Backbone):
    name, module = next((n, m) for n, m in backbone.unet.named_modules() if n.endswith("attn1"))
    module.rescale_output_factor = 2.0
    with lean_attention(backbone.unet):
        kinds = {n: type(p) for n, p in backbone.unet.attn_processors.items()}
    module.rescale_output_factor = 1.0
    assert kinds.pop(f"{name}.processor") is not LeanAttention
    assert set(kinds.values()) == {LeanAttention}


def test_what_is_tried_is_no_part_of_a_checkpointed_pass(monkeypatch: pytest.MonkeyPatch):
    """The backends are tried in the first pass, and not when it is computed again."""

    def once(work: Callable[[], None]) -> float:
        work()
        return 1.0

    def attend(x: Tensor) -> Tensor:
        if not tried:
            tried.append(attention.fastest_backend(x, x, x))
        return nn.functional.scaled_dot_product_attention(x, x, x)

    monkeypatch.setattr(attention, "_seconds", once)
    tried = []
    x, plain = (torch.ones(1, 2, 8, 4, requires_grad=True) for _ in range(2))
    checkpoint(attend, x, use_reentrant=False).sum().backward()
    attend(plain).sum().backward()
    assert tried[0] is not None
    assert torch.equal(x.grad, plain.grad)
