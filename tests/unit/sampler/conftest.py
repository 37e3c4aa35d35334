"""A model, and what it is fed."""

import pytest
import torch

from facea_core.backbone.load import empty_backbone, random_backbone
from facea_core.backbone.spec import TINY

from ...narrow import quick


@pytest.fixture(scope="module")
def backbone():
    """One for all: painting leaves it as it is."""
    return quick(random_backbone(0), 128)


@pytest.fixture(scope="module")
def blind():
    """One of four channels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return quick(empty_backbone(TINY, TINY.variant(inpainting=False)), 128)


@pytest.fixture(scope="module")
def scene():
    """Three pictures (3, 3, 64, 64) and masks, one of them soft."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 3, 64, 64, generator=generator)
    mask = torch.zeros(3, 1, 64, 64)
    mask[0, :, 16:48, 16:48] = 1
    mask[1, :, :, :32] = 1
    mask[2] = torch.linspace(0, 1, 64).view(1, 1, 64)
    return image, mask


@pytest.fixture(scope="module")
def prompts(backbone):
    both = backbone.text.encode(["a photo of a man", ""])
    return both.select(torch.tensor([0])), both.select(torch.tensor([1]))


@pytest.fixture
def fed(backbone):
    """What the U-Net is fed: a list of (sample (B, 9, h, w), timestep (B,), context (B, L, D))."""
    calls = []

    def record(_module, args, kwargs):
        calls.append((args[0].clone(), args[1].clone(), kwargs["encoder_hidden_states"].clone()))

    handle = backbone.unet.register_forward_pre_hook(record, with_kwargs=True)
    yield calls
    handle.remove()


@pytest.fixture
def encoded(backbone):
    """How many images the autoencoder encodes: one number for each call."""
    counts = []
    handle = backbone.vae.encoder.register_forward_pre_hook(
        lambda _module, args: counts.append(len(args[0]))
    )
    yield counts
    handle.remove()
