"""A diffusers folder of a model's weights, by diffusers' and transformers' own converters."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any


def write_folder(family: str, folder: Path, parts: dict[str, dict[str, Any]]) -> float:
    """The same weights by diffusers' and transformers' own classes, converters and writers."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from diffusers.loaders import single_file_utils as diffusers_way
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    began = perf_counter()
    unet_config = {
        "sample_size": 64, "in_channels": 9, "cross_attention_dim": 768, "attention_head_dim": 8,
    }  # fmt: skip
    if family == "sd2":
        unet_config |= {"cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20],
                        "use_linear_projection": True}  # fmt: skip
    if family == "sdxl":
        unet_config |= {
            "sample_size": 128, "cross_attention_dim": 2048, "attention_head_dim": [5, 10, 20],
            "use_linear_projection": True, "block_out_channels": [320, 640, 1280],
            "transformer_layers_per_block": [1, 2, 10], "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816,
            "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
            "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        }  # fmt: skip
    vae_config = {
        "block_out_channels": [128, 256, 512, 512], "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4, "layers_per_block": 2,
    }  # fmt: skip
    with torch.device("meta"):
        unet, vae = UNet2DConditionModel(**unet_config), AutoencoderKL(**vae_config)
    state = diffusers_way.convert_ldm_unet_checkpoint(
        {"model.diffusion_model." + key: value for key, value in parts["unet"].items()},
        {**unet.config, "class_embed_type": None},
    )
    unet.load_state_dict(state, assign=True)
    # Shards, as large folders have them.
    unet.save_pretrained(folder / "unet", variant="fp16", max_shard_size="2GB")
    state = diffusers_way.convert_ldm_vae_checkpoint(
        {"first_stage_model." + key: value for key, value in parts["vae"].items()}, vae.config
    )
    vae.load_state_dict(state, assign=True)
    vae.save_pretrained(folder / "vae", variant="fp16")
    encoders = {
        "sd15": {"clip_l": ("text_encoder", 12, "quick_gelu")},
        "sd2": {"clip_h": ("text_encoder", 23, "gelu")},
        "sdxl": {"clip_l": ("text_encoder", 12, "quick_gelu"),
                 "clip_g": ("text_encoder_2", 32, "gelu")},
    }[family]  # fmt: skip
    for name, (place, layers, act) in encoders.items():
        state = {
            key.removeprefix(f"{name}.transformer."): value
            for key, value in parts["text"].items()
            if key.startswith(f"{name}.transformer.")
        }
        width = state["text_model.final_layer_norm.weight"].shape[0]
        config = CLIPTextConfig(
            hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
            num_attention_heads=width // 64, hidden_act=act, projection_dim=width,
        )  # fmt: skip
        kind = CLIPTextModelWithProjection if place == "text_encoder_2" else CLIPTextModel
        with torch.device("meta"):
            encoder = kind(config)
        nested = any(key.startswith("text_model.") for key in encoder.state_dict())
        state = {k if nested else k.removeprefix("text_model."): v for k, v in state.items()}
        own = encoder.state_dict().keys()
        encoder.load_state_dict({k: v for k, v in state.items() if k in own}, assign=True)
        encoder.save_pretrained(folder / place, variant="fp16")
    scheduler = DDIMScheduler(
        prediction_type="epsilon", beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012
    )
    scheduler.save_pretrained(folder / "scheduler")
    return round(perf_counter() - began, 1)
