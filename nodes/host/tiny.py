"""facea-tiny as one of ComfyUI's own model families, so that every stock node can use it."""

from __future__ import annotations

import json

import comfy.latent_formats
import comfy.model_base
import comfy.sd1_clip
import comfy.supported_models
import comfy.supported_models_base
import folder_paths
import torch

from ...facea_core.backbone.spec import CONTROL_FILE, TINY, TINY_FILE
from ...facea_core.io.assets import asset

_CLIP = TINY.text["clip_l"]
_CHANNELS = TINY.unet["block_out_channels"]
_DEPTHS = [int("CrossAttn" in kind) for kind in TINY.unet["down_block_types"]]
_TOKENS = json.loads((asset(TINY.tokenizer) / "vocab.json").read_text("utf-8"))
_START, _END = _TOKENS["<|startoftext|>"], _TOKENS["<|endoftext|>"]


class TinyLatent(comfy.latent_formats.LatentFormat):
    scale_factor = 1.0


def _tokenizer(embedding_directory=None, tokenizer_data={}):  # noqa: B006 (the host's signature)
    return comfy.sd1_clip.SDTokenizer(
        tokenizer_path=str(asset(TINY.tokenizer)),
        max_length=TINY.spec.max_tokens,
        embedding_directory=embedding_directory,
        embedding_size=_CLIP["hidden_size"],
        tokenizer_data=tokenizer_data,
    )


class TinyTokenizer(comfy.sd1_clip.SD1Tokenizer):
    def __init__(self, embedding_directory=None, tokenizer_data={}):  # noqa: B006
        super().__init__(embedding_directory, tokenizer_data, tokenizer=_tokenizer)


class TinyTextEncoder(comfy.sd1_clip.SDClipModel):
    def __init__(self, device="cpu", dtype=None, model_options={}):  # noqa: B006
        super().__init__(
            device=device,
            max_length=TINY.spec.max_tokens,
            textmodel_json_config={**_CLIP, "eos_token_id": _END},
            dtype=dtype,
            special_tokens={"start": _START, "end": _END, "pad": _END},
            return_projected_pooled=False,
            model_options=model_options,
        )
        # The host's class has room for CLIP's 49408 words only.
        self.transformer.set_input_embeddings(
            self.operations.Embedding(
                len(_TOKENS), _CLIP["hidden_size"], device=device, dtype=dtype
            )
        )


class TinyClip(comfy.sd1_clip.SD1ClipModel):
    def __init__(self, device="cpu", dtype=None, model_options={}):  # noqa: B006
        super().__init__(
            device=device, dtype=dtype, model_options=model_options, clip_model=TinyTextEncoder
        )


class FaceATiny(comfy.supported_models.SD15):
    """Matched by its exact shape: no real model can be taken for it."""

    unet_config = {
        "model_channels": _CHANNELS[0],
        "channel_mult": [channels // _CHANNELS[0] for channels in _CHANNELS],
        "num_res_blocks": [TINY.unet["layers_per_block"]] * len(_CHANNELS),
        "transformer_depth": _DEPTHS,
        "context_dim": TINY.unet["cross_attention_dim"],
        "use_linear_in_transformer": False,
        "adm_in_channels": None,
        "use_temporal_attention": False,
    }
    unet_extra_config = {"num_heads": TINY.unet["attention_head_dim"], "num_head_channels": -1}
    latent_format = TinyLatent

    def model_type(self, state_dict, prefix=""):
        return comfy.model_base.ModelType.V_PREDICTION

    def process_vae_state_dict(self, state_dict):
        # The host's TAESD has these two beside the layers that the file holds.
        return {"vae_scale": torch.ones(()), "vae_shift": torch.zeros(()), **state_dict}

    def clip_target(self, state_dict={}):  # noqa: B006
        return comfy.supported_models_base.ClipTarget(TinyTokenizer, TinyClip)


def register_tiny() -> None:
    """Let ComfyUI know the family, last in its list, and find the files. Twice does nothing."""
    families = comfy.supported_models.models
    if not any(family.__name__ == FaceATiny.__name__ for family in families):
        families.append(FaceATiny)
    for kind, file in (("checkpoints", TINY_FILE), ("controlnet", CONTROL_FILE)):
        folder_paths.add_model_folder_path(kind, str(asset(file).parent))
