"""Pre-training of the autoencoder: a narrow TAESD that starts near the linear optimum.

Trained narrow because the wide layout is slow on a CPU, then exported exactly: unused channels of
the 64-channel TAESD layout are zero, and a residual block of zeros is the identity after a ReLU.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from torch import Tensor, nn
from tqdm import tqdm

from .dataset import SIDE, Pool

ENCODER_WIDTHS, ENCODER_BLOCKS = (16, 32, 64, 64), (1, 1, 2, 3)
DECODER_WIDTHS, DECODER_BLOCKS = (64, 64, 32, 16), (3, 3, 2, 1)
LAYOUT_BLOCKS = (1, 3, 3, 3)  # blocks per stage of TAESD's encoder; the decoder has them reversed
LATENT = 4


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


def train_autoencoder(
    model: NarrowAutoencoder,
    pool: Pool,
    steps: int,
    decoder_steps: int,
    seed: int,
    device: str | torch.device,
    *,
    fresh: bool,
) -> NarrowAutoencoder:
    """One round: `steps` of everything, then `decoder_steps` of the decoder alone.

    Between the two, latents are normalised to zero mean and unit deviation per channel; a round of
    the decoder alone leaves them as they are. A `fresh` model starts at the linear optimum; another
    one goes on from where the last round left it.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    sample, _ = pool.batch(torch.randperm(len(pool), generator=generator)[:512], device)
    if fresh:
        start_at_linear_optimum(model, sample)
    model = model.to(device)
    if steps:
        _fit(model, pool, list(model.parameters()), steps, 2e-3, generator, device, "autoencoder")
        normalise(model, sample)
    decoder = list(model.decoder.parameters())
    _fit(model, pool, decoder, decoder_steps, 1e-3, generator, device, "decoder")
    return model


def _fit(
    model: NarrowAutoencoder,
    pool: Pool,
    parameters: list[nn.Parameter],
    steps: int,
    rate: float,
    generator: torch.Generator,
    device: str | torch.device,
    title: str,
) -> None:
    batch = 24
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0)

    def factor(step: int) -> float:
        return min(1, (step + 1) / 50) * max(0.02, min(1.0, 1.6 * (1 - step / max(steps, 1))))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    bar = tqdm(range(steps), desc=title)
    for _ in bar:
        index = torch.randint(len(pool), (batch,), generator=generator)
        image, masks = _crops(*pool.batch(index, device), generator)
        # One in eight is seen with a hole: the U-Net's masked latents come from this encoder too.
        y, x = torch.randint(40, (2,), generator=generator).tolist()
        image[: batch // 8, :, y : y + 40, x : x + 40] = 0.5
        latent = model.encode(image)
        difference = (model.decode(latent) - image).abs()
        # Heads count double, eyes, brows and mouth more: they are small and carry the person.
        weight = 1 + masks[:, :2].amax(1, True) + 3 * masks[:, [2, 3, 5]].amax(1, True)
        loss = (weight * (difference + 4 * difference.square())).mean()
        mean, std = latent.mean(dim=(0, 2, 3)), latent.std(dim=(0, 2, 3))
        loss = loss + 0.02 * (mean.square() + (std - 1).square()).mean()
        loss.backward(inputs=parameters)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        if bar.n % 50 == 0:
            bar.set_postfix(mse=f"{(difference.detach() ** 2).mean().item():.5f}")


def _crops(image: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same random quarter of every picture: four times as many steps for the same time."""
    y, x = torch.randint(SIDE // 2 // 8 + 1, (2,), generator=generator).mul(8).tolist()
    rows, columns = slice(y, y + SIDE // 2), slice(x, x + SIDE // 2)
    return image[..., rows, columns], masks[..., rows, columns]


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
    _place(model.encoder, wide.encoder.layers, ENCODER_BLOCKS, LAYOUT_BLOCKS)
    _place(model.decoder, wide.decoder.layers, DECODER_BLOCKS, LAYOUT_BLOCKS[::-1])
    return wide


def _place(narrow: nn.Sequential, wide: nn.Module, live: tuple, layout: tuple) -> None:
    assert isinstance(wide, nn.Sequential)
    targets = iter(wide)
    stage = 0
    run = 0
    for layer in narrow:
        target = next(targets)
        if isinstance(layer, Block):
            run += 1
            _place(layer.conv, target.get_submodule("conv"), (), ())
            if run == live[stage]:
                for _ in range(layout[stage] - live[stage]):
                    next(targets)
                stage, run = stage + 1, 0
        elif isinstance(layer, nn.Conv2d):
            for name, source in layer.named_parameters():
                target.get_parameter(name)[tuple(slice(n) for n in source.shape)] = source


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias
