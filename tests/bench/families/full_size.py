"""ComfyUI's modules at the sizes of the published inpainting models; random weights for them."""

from __future__ import annotations

from typing import Any

UNET = {
    "sd15": {"use_linear_in_transformer": False, "context_dim": 768, "num_heads": 8},
    "sd2": {"use_linear_in_transformer": True, "context_dim": 1024, "num_head_channels": 64},
    "sdxl": {"use_linear_in_transformer": True, "context_dim": 2048, "num_head_channels": 64},
}
SHAPE = {
    "sd15": {"channel_mult": [1, 2, 4, 4], "num_res_blocks": [2] * 4, "adm_in_channels": None,
             "transformer_depth": [1] * 6 + [0] * 2, "transformer_depth_middle": 1,
             "transformer_depth_output": [1] * 9 + [0] * 3},
    "sdxl": {"channel_mult": [1, 2, 4], "num_res_blocks": [2] * 3, "adm_in_channels": 2816,
             "num_classes": "sequential", "transformer_depth": [0, 0, 2, 2, 10, 10],
             "transformer_depth_middle": 10,
             "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10]},
}  # fmt: skip
COMMON = {"image_size": 32, "in_channels": 9, "out_channels": 4, "model_channels": 320,
          "use_spatial_transformer": True, "use_temporal_attention": False, "legacy": False,
          "use_checkpoint": False}  # fmt: skip
CLASSES = {"sd15": "SD15", "sd2": "SD20", "sdxl": "SDXL"}
VAE = {"double_z": True, "z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3,
       "ch": 128, "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": [],
       "dropout": 0.0}  # fmt: skip


def host_modules(family: str) -> tuple[Any, dict[str, dict[str, Any]]]:
    """ComfyUI's model config, and the states of its modules without memory."""
    import comfy.ops
    import comfy.supported_models
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    shape = SHAPE["sdxl" if family == "sdxl" else "sd15"]
    unet = {**COMMON, **shape, **UNET[family]}
    config = getattr(comfy.supported_models, CLASSES[family])(unet)
    import torch

    with torch.device("meta"):
        modules = {
            "unet": UNetModel(**unet, device="meta", operations=comfy.ops.disable_weight_init),
            "vae": AutoencoderKL(ddconfig=VAE, embed_dim=4),
            "text": config.clip_target().clip(device="meta", dtype=torch.float16),
        }
    return config, {name: dict(module.state_dict()) for name, module in modules.items()}


def random_tensor(key: str, shape: Any, generator: Any) -> Any:
    """Half-precision numbers that keep the size of what flows through a network."""
    import torch

    if key.endswith("logit_scale"):
        return torch.tensor(4.6055).half()
    noise = torch.randn(tuple(shape), generator=generator, device=generator.device)
    if len(shape) < 2:
        return (noise * 0.05 + key.endswith("weight")).half()
    scale = 0.3 if "embedding" in key else noise[0].numel() ** -0.5
    return (noise * scale).half()
