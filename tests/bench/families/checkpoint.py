"""A checkpoint of random weights, written by ComfyUI, and the same as a diffusers folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from time import perf_counter
from typing import Any

from .folder import write_folder
from .full_size import host_modules, random_tensor

SCHEDULE = [
    "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod", "posterior_variance", "posterior_log_variance_clipped",
    "posterior_mean_coef1", "posterior_mean_coef2",
]  # fmt: skip
POSITIONS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
EXTRAS = {
    "sd15": [*SCHEDULE, "model_ema.decay", "model_ema.num_updates", POSITIONS],
    "sd2": [*SCHEDULE, "model_ema.decay", "model_ema.num_updates"],
    "sdxl": [],
}
# SHA-256 (first 16 digits) and number of the sorted names in the published files, as listed in
# ostris/ai-toolkit at 27a03a9, toolkit/keymaps; SD1.5's without what stands beside its modules.
PUBLISHED = {
    "sd15": (1130, "178dd4a5d29c415c"),
    "sd2": (1242, "39422be4161986ff"),
    "sdxl": (2515, "d005e41d8aaf62de"),
}


def write(family: str, work: Path) -> dict[str, Any]:
    """The checkpoint and the folder."""
    import torch
    from safetensors.torch import save_file

    config, parts = host_modules(family)
    generator = torch.Generator().manual_seed(0)
    for state in parts.values():
        for key in state:
            state[key] = random_tensor(key, state[key].shape, generator)
    folder_s = write_folder(family, work / "folder", parts)
    state = {
        **config.process_unet_state_dict_for_saving(parts.pop("unet")),
        **config.process_vae_state_dict_for_saving(parts.pop("vae")),
        **config.process_clip_state_dict_for_saving(parts.pop("text")),
    }
    names = sorted(state)
    extras = EXTRAS[family]
    state |= {key: torch.zeros(1000 if key in SCHEDULE else ()) for key in extras}
    if POSITIONS in state:
        state[POSITIONS] = torch.arange(77)[None]
    if family != "sd15":
        names = sorted(state)
    began = perf_counter()
    save_file({key: value.contiguous() for key, value in state.items()}, work / "model.safetensors")
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    return {
        "tensors": len(state),
        "bytes": (work / "model.safetensors").stat().st_size,
        "names_as_published": (len(names), digest) == PUBLISHED[family],
        "write_file_s": round(perf_counter() - began, 1),
        "write_folder_s": folder_s,
    }
