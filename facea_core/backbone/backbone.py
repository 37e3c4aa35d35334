"""A backbone: autoencoder, inpainting U-Net, text encoders and noise schedule as one value."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..types import BackboneSpec
from .prompts import Conditioning, TextEncoders

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel

HASHED = 64
"""Numbers of each tensor that the backbone's hash looks at, about."""


class Residuals(NamedTuple):
    """What a U-Net is to add: to the outputs of its encoder, and to its middle."""

    down: tuple[Tensor, ...]
    middle: Tensor

    def __add__(self, other: Residuals) -> Residuals:  # type: ignore[override]
        down = tuple(a + b for a, b in zip(self.down, other.down, strict=True))
        return Residuals(down, self.middle + other.middle)


@dataclass(frozen=True, eq=False)
class LatentDistribution:
    """What the autoencoder says of an image: `mean (B, C, h, w)`; `std` if it is variational."""

    mean: Tensor
    std: Tensor | None = None

    def sample(self, noise: Tensor | None = None) -> Tensor:
        """Scaled latent `(B, C, h, w)`. `noise` is standard normal; None = the mean."""
        return self.mean if self.std is None or noise is None else self.mean + self.std * noise


def latent_mask(mask: Tensor, factor: int = 8) -> Tensor:
    """Mask `(B, 1, H, W)` -> `(B, 1, h, w)` in {0, 1}, as ComfyUI's `concat_cond` makes it."""
    size = mask.shape[-2] // factor, mask.shape[-1] // factor
    return F.interpolate(mask, size=size, mode="bilinear").round()


def masked_image(image: Tensor, mask: Tensor) -> Tensor:
    """Image `(B, 3, H, W)` with what is masked (where the mask rounds to 1) at 0.5 grey."""
    keep = 1 - mask.round()
    return (image - 0.5) * keep + 0.5


@dataclass(frozen=True, eq=False)
class Backbone:
    """Modules in eval mode, all parameters frozen.

    `alphas_cumprod (1000,)` float32. `notes` say what of a checkpoint was ignored. `clip_skip`
    is the layer of the text encoders that is read, counted from the end.
    """

    spec: BackboneSpec
    unet: UNet2DConditionModel
    vae: AutoencoderTiny | AutoencoderKL
    text: TextEncoders
    alphas_cumprod: Tensor
    notes: tuple[str, ...] = ()
    clip_skip: int = 1

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        return (self.unet, self.vae, *self.text.encoders.values())

    @property
    def bytes(self) -> int:
        """Bytes of all weights."""
        return sum(value.nbytes for module in self.modules for value in module.parameters())

    # Of the first weight: diffusers' own properties look through every module, at each call.
    @property
    def device(self) -> torch.device:
        return next(self.unet.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.unet.parameters()).dtype

    @property
    def hash(self) -> str:
        """16 hex digits that change with the weights, the same for every layout they come in."""
        return self.hash_as(None)

    def hash_as(self, dtype: torch.dtype | None) -> str:
        """`hash` of the same weights in another dtype; None = in their own.

        A few numbers of every tensor are enough: training, merging or patching moves them all, and
        so does rounding to fewer bits.
        """
        digest = hashlib.sha256(f"{self.spec.family} {self.spec.prediction}".encode())
        for module in self.modules:
            for tensor in module.parameters():
                # An odd stride: an even one would often see a single column of a matrix.
                some = tensor.detach().flatten()[:: (tensor.numel() // HASHED) | 1]
                digest.update(some.to("cpu", dtype).half().numpy().tobytes())
        return digest.hexdigest()[:16]

    @torch.no_grad()
    def encode_image(self, image: Tensor) -> LatentDistribution:
        """Image `(B, 3, H, W)` in [0, 1], sides divisible by the latent factor -> its latents."""
        encoded = self.vae.encode(image.to(self.device, self.dtype) * 2 - 1, return_dict=False)[0]
        if isinstance(encoded, Tensor):
            return LatentDistribution(encoded)
        scale = self.vae.config["scaling_factor"]
        return LatentDistribution(encoded.mean * scale, encoded.std * scale)

    @torch.no_grad()
    def decode(self, latent: Tensor) -> Tensor:
        """Scaled latent `(B, C, h, w)` -> image `(B, 3, H, W)` float32 in [0, 1]."""
        scaled = latent.to(self.dtype) / self.vae.config["scaling_factor"]
        image = self.vae.decode(scaled, return_dict=False)[0]
        return (image.float() / 2 + 0.5).clamp(0, 1)

    def predict(
        self,
        noisy: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        mask_latent: Tensor,
        masked_latent: Tensor,
        residuals: Residuals | None = None,
    ) -> Tensor:
        """The U-Net's answer `(B, C, h, w)` for noisy latents at `timestep (B,)`.

        An inpainting model is shown [noisy latent | mask | masked-image latent], the order that
        ComfyUI feeds; another one only the noisy latent. `residuals` of a ControlNet are added
        inside. Device work only.
        """
        parts = [noisy, mask_latent, masked_latent] if self.spec.inpainting else [noisy]
        return self.unet(
            torch.cat(parts, dim=1).to(self.dtype),
            timestep,
            encoder_hidden_states=conditioning.context.to(self.dtype),
            added_cond_kwargs=self.added(noisy, conditioning),
            down_block_additional_residuals=residuals and residuals.down,
            mid_block_additional_residual=residuals and residuals.middle,
            return_dict=False,
        )[0]

    def added(self, latent: Tensor, conditioning: Conditioning) -> dict[str, Tensor] | None:
        """What SDXL is told beside the prompt; None = nothing."""
        if conditioning.pooled is None:
            return None
        return {
            "text_embeds": conditioning.pooled.to(self.dtype),
            "time_ids": self._time_ids(latent),
        }

    def _time_ids(self, latent: Tensor) -> Tensor:
        """SDXL's (original size, crop corner, target size) (2307.01952, sec. 2.2), `(B, 6)`.

        The image is uncropped and of the size it is painted at, as ComfyUI says.
        """
        factor = self.spec.latent_factor
        ids = torch.zeros(len(latent), 6, device=latent.device)
        ids[:, 0::4].fill_(latent.shape[-2] * factor)
        ids[:, 1::4].fill_(latent.shape[-1] * factor)
        return ids

    def _scales(self, timestep: Tensor) -> tuple[Tensor, Tensor]:
        alpha_bar = self.alphas_cumprod[timestep].view(-1, 1, 1, 1)
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()

    def add_noise(self, latent: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """q(x_t | x_0) of DDPM (2006.11239, eq. 4); `timestep (B,)` long in [0, 1000)."""
        signal, sigma = self._scales(timestep)
        return signal * latent + sigma * noise

    def target(self, latent: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """What `predict` should return: eps, or v (2202.00512, app. D)."""
        if self.spec.prediction == "epsilon":
            return noise
        signal, sigma = self._scales(timestep)
        return signal * noise - sigma * latent

    def to_x0(self, output: Tensor, noisy: Tensor, timestep: Tensor) -> Tensor:
        """The clean latent that an output of `predict` stands for."""
        return self.clean(output, noisy, *self._scales(timestep))

    def clean(
        self, output: Tensor, noisy: Tensor, signal: Tensor | float, sigma: Tensor | float
    ) -> Tensor:
        """`to_x0` of a noisy latent that is signal * clean + sigma * noise."""
        if self.spec.prediction == "epsilon":
            return (noisy - sigma * output) / signal
        return signal * noisy - sigma * output


SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
}


def alphas_cumprod() -> Tensor:
    """SD's schedule, `(1000,)` float32."""
    from diffusers import DDPMScheduler

    return DDPMScheduler(**SCHEDULE).alphas_cumprod
