"""The fused kernels, on a GPU if there is one, else as Triton's interpreter runs them."""

import logging
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facea_core.training.gpu.blocks import disagreement, fused_kernels, lean_blocks

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """float32 that is float32: cuDNN's convolutions take TF32, whose rounding is not ours."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.fixture(scope="module")
def kernels() -> ModuleType:
    pytest.importorskip("triton", reason="there is no Triton for this system")
    from facea_core.training.gpu import kernels

    return kernels


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def group_norm(groups: int, channels: int) -> nn.GroupNorm:
    norm = nn.GroupNorm(groups, channels).requires_grad_(False)
    norm.weight.copy_(numbers(channels, seed=1))
    norm.bias.copy_(numbers(channels, seed=2))
    return norm


def both(function, x: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    y = function(x)
    return y.detach(), torch.autograd.grad(y, x, dy)[0]


@pytest.mark.parametrize("silu", [False, True])
@pytest.mark.parametrize(
    ("shape", "groups"),
    [((2, 64, 4, 4), 32), ((1, 70, 9, 5), 7), ((3, 6, 1, 1), 2), ((1, 130, 3, 22), 1)],
)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_group_norm_is_torchs_and_keeps_channels_last(
    kernels: ModuleType, shape: tuple[int, ...], groups: int, silu: bool, dtype, near: float
):
    norm = group_norm(groups, shape[1]).to(dtype)
    x, dy = (numbers(*shape, seed=3) * 2 + 1).to(dtype), numbers(*shape, seed=4).to(dtype)
    exact = group_norm(groups, shape[1]).to(dtype).double()
    expected = both(lambda x: F.silu(exact(x)) if silu else exact(x), x.double(), dy.double())
    norm.to(DEVICE)
    found = both(lambda x: kernels.group_norm(x, norm, silu=silu), x.to(DEVICE), dy.to(DEVICE))
    for mine, wanted in zip(found, expected, strict=True):
        assert mine.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(mine.cpu().double(), wanted, rtol=near, atol=near)


@pytest.mark.parametrize(("mean", "deviation"), [(3, 0.1), (-30, 0.05), (100, 0.1)])
@pytest.mark.parametrize("groups", [1, 7])
def test_group_norm_far_from_zero_is_torchs(
    kernels: ModuleType, mean: float, deviation: float, groups: int
):
    """One difference of large numbers would leave nothing but rounding of a small deviation."""
    norm = group_norm(groups, 70)
    x, dy = mean + deviation * numbers(1, 70, 9, 15, seed=3), numbers(1, 70, 9, 15, seed=4)
    expected = both(group_norm(groups, 70).double(), x.double(), dy.double())
    norm.to(DEVICE)
    found = both(lambda x: kernels.group_norm(x, norm), x.to(DEVICE), dy.to(DEVICE))
    for mine, wanted in zip(found, expected, strict=True):
        worst = (mine.cpu().double() - wanted).abs().max() / wanted.abs().max()
        assert worst < 1e-5


def test_a_constant_picture_is_no_division_by_zero(kernels: ModuleType):
    norm = group_norm(2, 8).to(DEVICE)
    found = both(
        lambda x: kernels.group_norm(x, norm), torch.full((1, 8, 4, 4), 3.0, device=DEVICE),
        torch.ones(1, 8, 4, 4, device=DEVICE),
    )  # fmt: skip
    assert torch.equal(found[0][0, :, 2, 2], norm.bias)
    assert found[1].isfinite().all()


@pytest.mark.parametrize("shape", [(3, 5, 2 * 7), (2, 2 * 1100), (1, 2)])
def test_geglu_is_torchs(kernels: ModuleType, shape: tuple[int, ...]):
    def expected(x: Tensor) -> Tensor:
        value, gate = x.chunk(2, dim=-1)
        return value * F.gelu(gate)

    x, dy = numbers(*shape, seed=5) * 2, numbers(*shape[:-1], shape[-1] // 2, seed=6)
    found = both(kernels.geglu, x.to(DEVICE), dy.to(DEVICE))
    for mine, wanted in zip(found, both(expected, x.double(), dy.double()), strict=True):
        torch.testing.assert_close(mine.cpu().double(), wanted, rtol=1e-5, atol=1e-5)


def test_the_same_inputs_give_the_same_bytes(kernels: ModuleType):
    norm, x, dy = group_norm(4, 72).to(DEVICE), numbers(1, 72, 12, 5), numbers(1, 72, 12, 5)
    runs = [
        both(lambda x: kernels.group_norm(x, norm, silu=True), x.to(DEVICE), dy.to(DEVICE))
        for _ in range(2)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_the_check_before_they_are_used_sees_what_is_wrong(kernels: ModuleType):
    class Wrong:
        group_norm = staticmethod(lambda x, norm, silu=False: 1.01 * norm(x))
        geglu = kernels.geglu

    class Cancelling:
        @staticmethod
        def group_norm(x: Tensor, norm: nn.GroupNorm, silu: bool = False) -> Tensor:
            groups = x.unflatten(1, (norm.num_groups, -1))
            mean, square = (v.mean((2, 3, 4), keepdim=True) for v in (groups, groups.square()))
            xhat = (groups - mean) * (square - mean.square() + norm.eps).rsqrt()
            y = xhat.flatten(1, 2) * norm.weight[:, None, None] + norm.bias[:, None, None]
            return F.silu(y) if silu else y

        geglu = kernels.geglu

    assert disagreement(kernels, DEVICE) < 1e-4 < disagreement(Wrong, DEVICE)
    assert disagreement(Cancelling, DEVICE) > 1e-3


def test_without_a_gpu_training_goes_on_without_them(caplog: pytest.LogCaptureFixture):
    assert fused_kernels(torch.device("cpu")) is None
    assert not caplog.records
    if not torch.cuda.is_available():
        fused_kernels.cache_clear()
        with caplog.at_level(logging.WARNING):
            assert fused_kernels(torch.device("cuda")) is None
        assert "without its fused kernels" in caplog.text
    with lean_blocks(nn.Linear(1, 1), None):
        pass
