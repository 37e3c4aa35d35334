"""Key names of Grounding-DINO checkpoints: the authors' own, to those published for transformers.

The published names are the ones in the files on the Hugging Face hub. transformers renames its
modules now and then and reads these names in every version.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import torch
from torch import Tensor

_ORIGINAL = "feat_map.weight"
_PUBLISHED = "model.text_projection.weight"

_PATCHES = {
    "original": "backbone.0.patch_embed.proj.weight",
    "published": "model.backbone.conv_encoder.model.embeddings.patch_embeddings.projection.weight",
}

# Buffers that a model computes itself, BERT's unused pooler, labels of the training.
_LEFT_OUT = re.compile(
    r"relative_position_index$|^bert\.embeddings\.position_ids$|^bert\.pooler\.|^label_enc\."
)

_TABLE, _INDEX = "relative_position_bias_table", "relative_position_index"

_SWIN = "model.backbone.conv_encoder.model."
_MIX = {"linear1": "fc1", "linear2": "fc2"}
_QKV = ("query", "key", "value")

# Where a module's keys begin (# = a number), where they begin in the published layout, and the
# names inside it that differ. A "*" stands for query, key and value, which are one tensor here.
_MODULES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("backbone.0.patch_embed.proj.", _SWIN + "embeddings.patch_embeddings.projection.", {}),
    ("backbone.0.patch_embed.norm.", _SWIN + "embeddings.norm.", {}),
    ("backbone.0.norm1.", _SWIN + "hidden_states_norms.stage2.", {}),
    ("backbone.0.norm2.", _SWIN + "hidden_states_norms.stage3.", {}),
    ("backbone.0.norm3.", _SWIN + "hidden_states_norms.stage4.", {}),
    ("backbone.0.layers.#.downsample.", _SWIN + "encoder.layers.#.downsample.", {}),
    (
        "backbone.0.layers.#.blocks.#.",
        _SWIN + "encoder.layers.#.blocks.#.",
        {
            "norm1": "layernorm_before",
            "norm2": "layernorm_after",
            "attn.qkv": "attention.self.*",
            "attn.proj": "attention.output.dense",
            "attn.relative_position_bias_table": "attention.self.relative_position_bias_table",
            "mlp.fc1": "intermediate.dense",
            "mlp.fc2": "output.dense",
        },
    ),
    ("input_proj.", "model.input_proj_vision.", {}),
    ("bert.", "model.text_backbone.", {}),
    ("feat_map.", "model.text_projection.", {}),
    ("transformer.level_embed", "model.level_embed", {}),
    ("transformer.tgt_embed.", "model.query_position_embeddings.", {}),
    ("transformer.enc_output.", "model.enc_output.", {}),
    ("transformer.enc_output_norm.", "model.enc_output_norm.", {}),
    ("transformer.enc_out_bbox_embed.", "model.encoder_output_bbox_embed.", {}),
    (
        "transformer.encoder.layers.#.",
        "model.encoder.layers.#.deformable_layer.",
        {**_MIX, "norm1": "self_attn_layer_norm", "norm2": "final_layer_norm"},
    ),
    (
        "transformer.encoder.text_layers.#.",
        "model.encoder.layers.#.text_enhancer_layer.",
        {
            **_MIX,
            "self_attn.in_proj": "self_attn.*",
            "norm1": "layer_norm_before",
            "norm2": "layer_norm_after",
        },
    ),
    (
        "transformer.encoder.fusion_layers.#.",
        "model.encoder.layers.#.fusion_layer.",
        {
            "gamma_v": "vision_param",
            "gamma_l": "text_param",
            "layer_norm_v": "layer_norm_vision",
            "layer_norm_l": "layer_norm_text",
            "attn.v_proj": "attn.vision_proj",
            "attn.l_proj": "attn.text_proj",
            "attn.values_v_proj": "attn.values_vision_proj",
            "attn.values_l_proj": "attn.values_text_proj",
            "attn.out_v_proj": "attn.out_vision_proj",
            "attn.out_l_proj": "attn.out_text_proj",
        },
    ),
    (
        "transformer.decoder.layers.#.",
        "model.decoder.layers.#.",
        {
            **_MIX,
            "cross_attn": "encoder_attn",
            "norm1": "encoder_attn_layer_norm",
            "ca_text.in_proj": "encoder_attn_text.*",
            "ca_text.out_proj": "encoder_attn_text.out_proj",
            "catext_norm": "encoder_attn_text_layer_norm",
            "self_attn.in_proj": "self_attn.*",
            "norm2": "self_attn_layer_norm",
            "norm3": "final_layer_norm",
        },
    ),
    ("transformer.decoder.ref_point_head.", "model.decoder.reference_points_head.", {}),
    ("transformer.decoder.norm.", "model.decoder.layer_norm.", {}),
    ("transformer.decoder.bbox_embed.", "model.decoder.bbox_embed.", {}),
    ("bbox_embed.", "bbox_embed.", {}),
)
_PATTERNS = tuple(
    (re.compile(re.escape(old).replace(r"\#", r"(\d+)")), new, inner)
    for old, new, inner in _MODULES
)


def layout(state: Mapping[str, Tensor]) -> str:
    """`original`, `published`, or "" for something else."""
    if _ORIGINAL in state:
        return "original"
    return "published" if _PUBLISHED in state else ""


def patch_width(state: Mapping[str, Tensor]) -> int:
    """Channels of the first stage, which tell Swin-T (96) from Swin-B (128); 0 if it is missing."""
    weight = state.get(_PATCHES.get(layout(state), ""))
    return 0 if weight is None or weight.ndim != 4 else weight.shape[0]


def bare(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without the prefix that a parallel training leaves on every key."""
    return {key.removeprefix("module."): tensor for key, tensor in state.items()}


def to_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors in the original layout under their published names; an unknown key keeps its own."""
    published: dict[str, Tensor] = {}
    for key, tensor in state.items():
        if _LEFT_OUT.search(key):
            continue
        name = _renamed(key)
        if "*" not in name or len(tensor) % 3:
            published[name] = tensor
            continue
        for one, third in zip(_QKV, tensor.chunk(3), strict=True):
            published[name.replace("*", one)] = third
    return published


def with_indexes(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published names, in float32, with the indexes that Swin's windows compute from their size.

    transformers 4 and the first of 5 save and miss them; newer ones pass over them.
    """
    full = {key: one.float() for key, one in state.items() if one.is_floating_point()}
    for key, table in tuple(full.items()):
        if key.endswith(_TABLE) and table.ndim == 2:
            full[key.removesuffix(_TABLE) + _INDEX] = _window_index(len(table))
    return full


def _window_index(rows: int) -> Tensor:
    """`(w * w, w * w)`: which of the table's `(2 w - 1) ** 2` rows is between which two places."""
    side = (math.isqrt(rows) + 1) // 2
    y, x = torch.arange(side * side) // side, torch.arange(side * side) % side
    apart_y, apart_x = y[:, None] - y + side - 1, x[:, None] - x + side - 1
    return apart_y * (2 * side - 1) + apart_x


def _renamed(key: str) -> str:
    for pattern, new, inner in _PATTERNS:
        match = pattern.match(key)
        if match is None:
            continue
        start = new.replace("#", "{}").format(*match.groups())
        rest = key[match.end() :]
        for old, name in inner.items():
            # in_proj_weight is spelled with an underscore, where others have a dot.
            if rest == old or rest.startswith((old + ".", old + "_")):
                tail = rest[len(old) :]
                return start + name + ("." + tail[1:] if tail else "")
        return start + rest
    return key
