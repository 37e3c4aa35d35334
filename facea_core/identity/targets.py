"""Which layers of a U-Net get a LoRA."""

from __future__ import annotations

from collections.abc import Mapping

_ATTENTION = r"attn[12]\.(to_q|to_k|to_v|to_out\.0)"
_FEED_FORWARD = r"ff\.net\.(0\.proj|2)"
_CONVOLUTION = r"(conv1|conv2|conv_shortcut|proj_in|proj_out)"

TARGETS: Mapping[str, str] = {
    "attention": rf".*\.{_ATTENTION}",
    "wide": rf".*\.({_ATTENTION}|{_FEED_FORWARD}|{_CONVOLUTION})",
}
"""Preset -> what a layer's whole dotted path in the U-Net must match."""

LAYERS: Mapping[str, str] = {
    **TARGETS,
    "no-cross": rf".*\.({_ATTENTION.replace('[12]', '1')}|{_FEED_FORWARD}|{_CONVOLUTION})",
}
"""The same with what a slider adapts: all but cross-attention, so that it acts beside the prompt.
"""
