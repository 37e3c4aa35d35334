"""What a model file is, by the names and shapes of its tensors, where it is not what was asked for.

Trainers and managers of models share one ending, .safetensors, and people one folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ADAPTERS = (
    (
        r"\.boft_[RS]\b|\.oft_blocks(\.weight)?$",
        "a BOFT adapter",
    ),  # OFT where blocks have three sides
    (r"\.oft_(diag|R)\b|\.oft_blocks(\.weight)?$", "an OFT adapter"),
    (r"\.(a1|b1)\.weight$", "a GLoRA adapter"),
    (r"\.on_input$|\.ia3_l\b", "an IA3 adapter"),
    (r"\.hada_w1_|\.hada_t1$", "a LoHa adapter"),
    (r"\.lokr_w1", "a LoKr adapter"),
    (r"\.(dora_scale|lora_magnitude_vector)", "a LoRA (DoRA)"),
    (r"[._]lora[._](down|up)\.|\.lora_[AB]\.|\.lora_linear_layer\.", "a LoRA"),
    (r"\.(diff|diff_b|set_weight|w_norm|b_norm)(\.weight)?$", "a full difference of weights"),
    (r"^lora_(unet|te\d?|transformer)_", "a LoRA"),
)
_OTHERS = (
    (r"^bundle_emb\.|^emb_params$|^string_to_param", "a file of learned words (an embedding)"),
    (r"^(input_hint_block|control_model)\.|controlnet_cond_embedding\.", "a ControlNet"),
    (r"^(image_proj|ip_adapter)\.|\.to_[kv]_ip\.", "an IP-Adapter"),
    (r"motion_modules\.", "a motion module (AnimateDiff)"),
)
_UNET = re.compile(
    r"^(model\.diffusion_model\.|unet\.|diffusion_model\.)?(input_blocks\.0\.0|conv_in)\.weight$"
)
_VAE = re.compile(
    r"^(first_stage_model\.|vae\.)?(taesd_)?(encoder|decoder)\.(conv_in|[01])\.weight$"
)
_TEXT = re.compile(r"(^|\.)(token_embedding|text_model\.embeddings)\.")


def adapter(shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """What kind of change to a model the tensors are, "a LoRA" for example; None for others."""
    for pattern, kind in _ADAPTERS:
        found = next((key for key in shapes if re.search(pattern, key)), None)
        if found is not None and not (kind == "a BOFT adapter" and _is_oft(found, shapes)):
            return kind
    return None


def kind_of(shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """What a file with these tensors is, with its article; None if nothing is known of it."""
    holds = [
        what
        for what, pattern in (("U-Net", _UNET), ("VAE", _VAE), ("text encoder", _TEXT))
        if any(pattern.search(key) for key in shapes)
    ]
    if len(holds) > 1:
        return "a whole checkpoint"
    if (kind := adapter(shapes)) is not None:
        return kind
    for pattern, kind in _OTHERS:
        if any(re.search(pattern, key) for key in shapes):
            return kind
    return f"only a {holds[0]}" if holds else None


def _is_oft(key: str, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    return ".oft_blocks" in key and len(shapes[key]) < 4
