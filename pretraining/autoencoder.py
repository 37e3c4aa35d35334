"""Pre-training of the autoencoder: a narrow TAESD that starts near the linear optimum.

Trained narrow because the wide layout is slow on a CPU, then exported exactly: unused channels of
the 64-channel TAESD layout are zero, and a residual block of zeros is the identity after a ReLU.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from .dataset import FEATURES, SIDE, Pool
from .train import Loss, Piece

ENCODER_WIDTHS, ENCODER_BLOCKS = (16, 32, 64, 64), (1, 1, 2, 3)
DECODER_WIDTHS, DECODER_BLOCKS = (64, 64, 64, 32), (3, 3, 2, 1)
LAYOUT_BLOCKS = (1, 3, 3, 3)  # blocks per stage of TAESD's encoder; the decoder has them reversed
LATENT = 4
BATCH, CROP, RATE = 8, 64, 1.5e-3
NOISE = 0.08


class Block(nn.Module):
    """TAESD's residual block; `conv` has the same child names as in `AutoencoderTiny`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )  # fmt: skip
        for parameter in self.conv[4].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x) + x)


class NarrowAutoencoder(nn.Module):
    """Image `(B, 3, H, W)` in [0, 1] <-> latent `(B, 4, H/8, W/8)`."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        last = 3
        for i, (width, blocks) in enumerate(zip(ENCODER_WIDTHS, ENCODER_BLOCKS, strict=True)):
            layers.append(nn.Conv2d(last, width, 3, 1 if i == 0 else 2, padding=1, bias=i == 0))
            layers += [Block(width) for _ in range(blocks)]
            last = width
        self.encoder = nn.Sequential(*layers, nn.Conv2d(last, LATENT, 3, padding=1))
        layers = [nn.Conv2d(LATENT, DECODER_WIDTHS[0], 3, padding=1), nn.ReLU()]
        for i, (width, blocks) in enumerate(zip(DECODER_WIDTHS, DECODER_BLOCKS, strict=True)):
            layers += [Block(width) for _ in range(blocks)]
            if i < 3:
                after = DECODER_WIDTHS[i + 1]
                layers += [
                    nn.Upsample(scale_factor=2),
                    nn.Conv2d(width, after, 3, padding=1, bias=False),
                ]
        self.decoder = nn.Sequential(*layers, nn.Conv2d(DECODER_WIDTHS[-1], 3, 3, padding=1))

    def encode(self, image: Tensor) -> Tensor:
        return self.encoder(image)

    def decode(self, latent: Tensor) -> Tensor:
        return self.decoder(torch.tanh(latent / 3) * 3)


class Slim(nn.Module):
    """A narrow autoencoder as a backbone's `vae`: what its export does, and faster."""

    config: ClassVar = {"scaling_factor": 1.0}

    def __init__(self, model: NarrowAutoencoder) -> None:
        super().__init__()
        self.model = model

    def encode(self, image: Tensor, return_dict: bool) -> tuple[Tensor]:
        return (self.model.encode(image / 2 + 0.5),)

    def decode(self, latent: Tensor, return_dict: bool) -> tuple[Tensor]:
        return (self.model.decode(latent) * 2 - 1,)


@torch.no_grad()
def start_at_linear_optimum(model: NarrowAutoencoder, images: Tensor) -> None:
    """Make the encoder the 4-component PCA of 8x8 patches; `images (N, 3, H, W)` in [0, 1].

    Colours are copied, stride-2 convolutions rearrange space into channels, and the last one
    projects onto 32 components as +- pairs, which a ReLU passes undamaged.
    """
    convs = [layer for layer in model.encoder if isinstance(layer, nn.Conv2d)]
    for conv in convs:
        for parameter in conv.parameters():
            nn.init.zeros_(parameter)
    for c in range(3):
        convs[0].weight[c, c, 1, 1] = 1
    channels = 3
    for conv in convs[1:3]:
        for out in range(channels * 4):
            source, dy, dx = out // 4, out // 2 % 2, out % 2
            conv.weight[out, source, 1 + dy, 1 + dx] = 1
        channels *= 4
    # Patches as the third stride-2 convolution sees them: 48 channels x 2 x 2 taps.
    deep = F.pixel_unshuffle(F.pixel_unshuffle(images, 2), 2)
    patches = F.pixel_unshuffle(deep, 2).movedim(1, -1).flatten(0, 2)
    mean = patches.mean(dim=0)
    values, vectors = torch.linalg.eigh(torch.cov((patches - mean).T))
    leading = vectors.flip(1)[:, :32].T  # (32, 192)
    scale = values.flip(0)[:32].clamp(min=1e-6).sqrt()
    for i, component in enumerate(leading):
        taps = component.view(48, 2, 2) / scale[min(i, 3)]
        convs[3].weight[2 * i, :48, 1:, 1:] = taps
        convs[3].weight[2 * i + 1, :48, 1:, 1:] = -taps
    offset = leading[:LATENT] @ mean / scale[:LATENT]
    for i in range(LATENT):
        convs[4].weight[i, 2 * i, 1, 1] = 1
        convs[4].weight[i, 2 * i + 1, 1, 1] = -1
        _bias(convs[4])[i] = -offset[i]


def autoencoder_loss(model: NarrowAutoencoder, pool: Pool, piece: Piece) -> Loss:
    """Absolute and squared difference, with latents of unit variance.

    The decoder sees them a little noisy: what a U-Net paints is never exact.
    """

    def compare(image: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        latent = model.encode(image)
        difference = (model.decode(latent + noise) - image).abs()
        value = (weight * (difference + 6 * difference.square())).mean()
        mean, deviation = latent.mean(dim=(0, 2, 3)), latent.var(dim=(0, 2, 3)).sqrt()
        return value + 0.02 * (mean.square() + (deviation - 1).square()).mean()

    run, batch = piece.compile(compare), piece.batch or BATCH

    def loss(draw: torch.Generator) -> Tensor:
        index = torch.randint(len(pool), (batch,), generator=draw)
        image, masks = _crops(*pool.batch(index, piece.device), draw)
        # One in eight is seen masked: the U-Net's masked latents come from this encoder too.
        y, x, height, width = torch.randint(12, 44, (4,), generator=draw).tolist()
        image[: batch // 8, :, y - 12 : y - 12 + height, x - 12 : x - 12 + width] = 0.5
        # Heads count double, eyes, brows and mouth more: they are small and carry the person.
        weight = 1 + masks[:, :2].amax(1, True) + 3 * masks[:, FEATURES].amax(1, True)
        noise = torch.randn(batch, LATENT, CROP // 8, CROP // 8, generator=draw)
        noise *= NOISE * torch.rand(batch, 1, 1, 1, generator=draw)
        return run(image, weight, noise.to(piece.device))

    return loss


def _crops(image: Tensor, masks: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same square of every picture, mostly round the heads, sometimes mirrored."""
    room = (SIDE - CROP) // 8
    y, x = torch.randint(room + 1, (2,), generator=draw).tolist()
    kind = torch.rand(2, generator=draw)
    if kind[0] < 0.8:
        y, x = min(max(y, 1), 5), min(max(x, 2), room - 2)
    rows, columns = slice(8 * y, 8 * y + CROP), slice(8 * x, 8 * x + CROP)
    both = torch.cat([image, masks], dim=1)[..., rows, columns]
    both = both.flip(3) if kind[1] < 0.5 else both
    return both[:, :3], both[:, 3:]


@torch.no_grad()
def normalise(model: NarrowAutoencoder, images: Tensor) -> None:
    """Fold a scale and an offset into both sides of the latent: its channels become N(0, 1)."""
    latent = model.encode(images)
    mean, std = latent.mean(dim=(0, 2, 3)), latent.std(dim=(0, 2, 3))
    out, first = model.encoder[-1], model.decoder[0]
    assert isinstance(out, nn.Conv2d)
    assert isinstance(first, nn.Conv2d)
    out.weight.div_(std.view(-1, 1, 1, 1))
    _bias(out).sub_(mean).div_(std)
    _bias(first).add_(torch.einsum("oikl,i->o", first.weight, mean))
    first.weight.mul_(std.view(1, -1, 1, 1))


@torch.no_grad()
def export(model: NarrowAutoencoder) -> AutoencoderTiny:
    """The same function in the published TAESD layout: 64 channels, 1-3-3-3 blocks."""
    wide = AutoencoderTiny().eval().requires_grad_(False)
    for parameter in wide.parameters():
        parameter.zero_()
    for mine, place in _places(model, wide):
        place.copy_(mine)
    return wide


@torch.no_grad()
def narrow(wide: AutoencoderTiny) -> NarrowAutoencoder:
    """What `export` was given."""
    model = NarrowAutoencoder()
    for mine, place in _places(model, wide):
        mine.copy_(place)
    return model


@torch.no_grad()
def wake(decoder: nn.Module) -> None:
    """Give channels that a narrower one left at zero something to start from.

    What reads them stays zero, so the function is the same; but now there is a gradient.
    """
    generator = torch.Generator().manual_seed(0)  # the same in every process
    for conv in decoder.modules():
        if isinstance(conv, nn.Conv2d):
            weight = conv.weight
            fresh = torch.empty(weight.shape)
            nn.init.kaiming_uniform_(fresh, nonlinearity="relu", generator=generator)
            asleep = (weight == 0).flatten(1).all(dim=1)
            weight[asleep] = fresh.to(weight)[asleep]


def _places(model: NarrowAutoencoder, wide: AutoencoderTiny) -> Iterator[tuple[Tensor, Tensor]]:
    """Each parameter of the narrow one and the part of the wide one where it stands."""
    yield from _pairs(model.encoder, wide.encoder.layers, ENCODER_BLOCKS, LAYOUT_BLOCKS)
    yield from _pairs(model.decoder, wide.decoder.layers, DECODER_BLOCKS, LAYOUT_BLOCKS[::-1])


def _pairs(
    slim: nn.Sequential, wide: nn.Module, live: tuple, layout: tuple
) -> Iterator[tuple[Tensor, Tensor]]:
    assert isinstance(wide, nn.Sequential)
    targets = iter(wide)
    stage = 0
    run = 0
    for layer in slim:
        target = next(targets)
        if isinstance(layer, Block):
            run += 1
            yield from _pairs(layer.conv, target.get_submodule("conv"), (), ())
            if run == live[stage]:
                for _ in range(layout[stage] - live[stage]):
                    next(targets)
                stage, run = stage + 1, 0
        elif isinstance(layer, nn.Conv2d):
            for name, mine in layer.named_parameters():
                yield mine, target.get_parameter(name)[tuple(slice(n) for n in mine.shape)]


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias
