"""ComfyUI's samplers, painting the crops that the core composes with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import comfy.sample
import comfy.samplers
import latent_preview
import node_helpers
import torch
from torch import Tensor

from ...facea_core import backbone, composing
from ...facea_core.errors import BackboneError, ConfigError, shortened
from ...facea_core.seeds import seeded, short_seed
from ...facea_core.settings import check_installed, check_text
from .layout import image_out
from .models import is_inpainting
from .patching import wired_words

_READER = "_try_get_embedding"

_NAME = re.compile(r"embedding:((?:\\.|[^\s(),:\\])+)")
"""An embedding as ComfyUI reads it: to a space, a weight or a comma; brackets in it are escaped."""


_DETERMINISTIC = frozenset(
    {
        "euler", "euler_cfg_pp", "heun", "heunpp2", "dpm_2", "lms", "dpm_fast", "dpmpp_2m",
        "dpmpp_2m_cfg_pp", "ipndm", "ipndm_v", "deis", "res_multistep", "res_multistep_cfg_pp",
        "gradient_estimation", "gradient_estimation_cfg_pp", "ddim", "uni_pc", "uni_pc_bh2",
    }
)  # fmt: skip
"""ComfyUI's samplers that draw no noise and take fixed steps; of others nothing is known."""


def samplers() -> list[str]:
    """KSampler's samplers; other packs add theirs, at any time."""
    return list(comfy.samplers.KSampler.SAMPLERS)


def schedulers() -> list[str]:
    """KSampler's schedulers."""
    return list(comfy.samplers.KSampler.SCHEDULERS)


@dataclass(frozen=True)
class Paint:
    """How a face is sampled; the words are KSampler's.

    Raises ConfigError for a sampler or scheduler that this ComfyUI does not have: it would take
    the first that it has, and say nothing.
    """

    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    denoise: float

    def __post_init__(self) -> None:
        check_installed("sampler_name", self.sampler_name, samplers())
        check_installed("scheduler", self.scheduler, schedulers())


def encode(clip: Any, prompt: str) -> Any:
    """CONDITIONING of a prompt.

    Raises ConfigError for one that is too long, for no cancel reaches ComfyUI while it reads, and
    for an `embedding:` that nothing answers to.
    """
    backbone.placeholders(check_text("the prompt", prompt))
    names = [_name(found) for found in _NAME.finditer(prompt)]
    if all(backbone.WORD.fullmatch(f"embedding:{name}") for name in names):
        prompt = backbone.spaced(prompt)
    inner = next((one for one in vars(clip.tokenizer).values() if hasattr(one, _READER)), None)
    for word in names if inner is not None else ():
        if inner.embedding_directory is None or getattr(inner, _READER)(word)[0] is None:
            known = ", ".join(wired_words(clip)) or "none"
            raise ConfigError(
                f"the prompt asks for 'embedding:{shortened(word)}', which no wired identity and "
                f"no file in models/embeddings has (wired words: {known}); check the spelling, or "
                "wire the person's FaceA LoRA Loader"
            )
    return clip.encode_from_tokens_scheduled(clip.tokenize(prompt))


def _name(found: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", found[1]).rstrip(".!?;")


def paint_crop(
    model: Any,
    vae: Any,
    positive: Any,
    negative: Any,
    settings: Paint,
    crop: composing.Crop,
    seeds: Sequence[int],
    on_step: Callable[[int, Any], None],
) -> Tensor:
    """The crop painted anew by the MODEL, once for each of N seeds: (N, 3, s, s), on the CPU.

    What the MODEL is shown, encoded once, is what it was trained with: the mask rounded, grey below
    it. Each has the noise of its own seed, so it is what it would be alone, up to float rounding;
    as many are painted together as the sampler and memory allow. `on_step` gets the steps done, of
    all N counted singly, and a preview of one of them, or None.
    """
    image, mask = crop.image, crop.mask
    seen = vae.encode(image_out([backbone.masked_image(image, mask)]))
    channels = model.model.latent_format.latent_channels
    if seen.ndim != 4 or seen.shape[1] != channels:
        raise BackboneError(
            f"the wired VAE makes latents of shape {tuple(seen.shape)}, and the wired MODEL "
            f"takes {channels} channels; wire the VAE of the model's own checkpoint"
        )
    noise_mask = None
    whole = torch.zeros_like(seen)
    if is_inpainting(model):
        values = {"concat_latent_image": seen, "concat_mask": mask[:, 0]}
        conditions = [
            node_helpers.conditioning_set_values(one, values) for one in (positive, negative)
        ]
    else:
        # A model that is not shown the surroundings gets them back at every step.
        conditions, noise_mask = [positive, negative], mask.round()
    if settings.denoise < 1 or noise_mask is not None:
        whole = vae.encode(image_out([image]))
    preview = latent_preview.get_previewer(model.load_device, model.model.latent_format)

    def paint(rows: slice) -> Tensor:
        some = seeds[rows]
        noises = [torch.randn(whole.shape[1:], generator=seeded(seed)) for seed in some]

        def callback(step: int, x0: Tensor, x: Tensor, total: int) -> None:
            shown = preview.decode_latent_to_preview_image("JPEG", x0) if preview else None
            on_step(rows.start * settings.steps + len(some) * (step + 1), shown)

        latent = comfy.sample.sample(
            model, torch.stack(noises), settings.steps, settings.cfg, settings.sampler_name,
            settings.scheduler, *conditions, whole.repeat(len(some), 1, 1, 1),
            denoise=settings.denoise, noise_mask=noise_mask, callback=callback, disable_pbar=True,
            seed=short_seed(some[0]),
        )  # fmt: skip
        return vae.decode(latent).movedim(-1, 1).float().cpu()

    most = 1
    if _items_apart(settings.sampler_name, noise_mask is not None):
        height, width = image.shape[-2:]
        most = composing.most_together(model.load_device, (height, width))
    painted = composing.paint_together(paint, len(seeds), most)
    if not torch.isfinite(painted).all():
        raise BackboneError(
            f"the model's picture holds NaN after {settings.steps} steps; load the VAE or the "
            "model as fp32, or lower lora_strength"
        )
    return painted


def _items_apart(sampler_name: str, keeps_surroundings: bool) -> bool:
    """Whether the sampler gives each item of a batch what it gives it alone.

    Others draw noise for the whole batch from one seed, or choose its steps by all of it; ddim
    draws some for the surroundings that it keeps.
    """
    return sampler_name in _DETERMINISTIC and not (keeps_surroundings and sampler_name == "ddim")
