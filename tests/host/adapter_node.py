"""An image adapter as other packs have it, with random weights: also a custom node of its own."""

from __future__ import annotations

from typing import Any

PLACES = (("input", 4, 0), ("output", 4, 0), ("output", 3, 0))
"""Layers of the miniature that have cross-attention."""


class Replaced:
    """Cross-attention with a second, masked context, kept as IP-Adapter's and PuLID's packs do."""

    def __init__(self, mask: Any, context: Any, weight: float = 1.0) -> None:
        self.callback = [self.more]
        self.kwargs = [{"mask": mask, "context": context, "weight": weight}]

    def __call__(self, q: Any, k: Any, v: Any, extra: Any) -> Any:
        from comfy.ldm.modules.attention import optimized_attention

        out = optimized_attention(q, k, v, extra["n_heads"])
        for callback, kwargs in zip(self.callback, self.kwargs, strict=True):
            out = out + callback(q, extra, **kwargs)
        return out

    @staticmethod
    def more(q: Any, extra: Any, mask: Any, context: Any, weight: float = 1.0) -> Any:
        import torch.nn.functional as F
        from comfy.ldm.modules.attention import optimized_attention

        context = context.expand(len(q), -1, -1)
        out = weight * optimized_attention(q, context, context, extra["n_heads"])
        if mask is None:
            return out
        _, _, high, wide = extra["original_shape"]
        side = round((q.shape[1] * high / wide) ** 0.5), round((q.shape[1] * wide / high) ** 0.5)
        small = F.interpolate(mask[:, None], side, mode="bilinear").flatten(2).mT
        return out * small


class AdapterStandIn:
    """What *IPAdapter Advanced* and its like are to a MODEL."""

    CATEGORY, FUNCTION, RETURN_TYPES = "tests", "apply", ("MODEL",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {
            "required": {"model": ("MODEL",), "weight": ("FLOAT", {"default": 1.0})},
            "optional": {"attn_mask": ("MASK",)},
        }

    def apply(self, model: Any, weight: float, attn_mask: Any = None) -> tuple[Any]:
        import torch

        adapted = model.clone()
        context = 3 * torch.randn(1, 4, 128, generator=torch.Generator().manual_seed(1))
        for place in PLACES:
            adapted.set_model_attn2_replace(Replaced(attn_mask, context, weight), *place)
        return (adapted,)


NODE_CLASS_MAPPINGS = {"AdapterStandIn": AdapterStandIn}
