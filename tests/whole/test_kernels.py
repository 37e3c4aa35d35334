"""A U-Net with all fused kernels, on a GPU if there is one, else in Triton's interpreter."""

from types import ModuleType

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from facea_core.identity.lora import lora
from facea_core.training.gpu.attention import lean_attention
from facea_core.training.gpu.blocks import lean_blocks
from facea_core.training.gpu.footprint import checkpointed

from ..unit.test_kernels import DEVICE, exact, kernels, numbers

# Fixtures, found here by their names.
__all__ = ["exact", "kernels"]


def small_unet(**options) -> UNet2DConditionModel:
    """With every kind of block that SD's have, and as few of each as can be."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=9, block_out_channels=(8, 16), layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=12, attention_head_dim=4, norm_num_groups=4, **options,
    )  # fmt: skip
    layout = torch.channels_last
    return unet.to(DEVICE, memory_format=layout).requires_grad_(False).eval()  # pyright: ignore


@pytest.mark.parametrize(
    ("options", "twice"),
    [({}, True), ({"use_linear_projection": True}, False)],
)
def test_a_unet_learns_the_same_and_is_left_as_it_was(
    kernels: ModuleType, options: dict, twice: bool
):
    unet = small_unet(**options)
    x, context = numbers(1, 9, 4, 4).to(DEVICE), numbers(1, 5, 12, seed=1).to(DEVICE)
    context.requires_grad_()

    def learn() -> tuple[Tensor, ...]:
        adapter.bind()
        y = unet(x, torch.tensor([700], device=DEVICE), context).sample
        loss = y.square().mean()
        return y.detach(), *torch.autograd.grad(loss, (context, adapter.flat.parameter))

    generator = torch.Generator().manual_seed(0)
    with lora(unet, 2, "wide", generator=generator) as adapter, lean_attention(unet):
        with torch.no_grad():
            adapter.flat.parameter.normal_(0, 0.1)
        with checkpointed(unet, twice):
            before = {name: list(vars(module)) for name, module in unet.named_modules()}
            plain = learn()
            with lean_blocks(unet, kernels):
                fused = learn()
            adapter.bind()
            again = learn()
            after = {name: list(vars(module)) for name, module in unet.named_modules()}
    assert after == before
    for a, b, c in zip(plain, fused, again, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-3, atol=1e-4 * float(a.abs().max()))
        torch.testing.assert_close(c, a, rtol=0, atol=0)
    assert not torch.equal(plain[0], fused[0]), "the kernels were not used"
