"""Image adapters that other packs patch into MODEL, with attention masks: part of hinting.py."""

from __future__ import annotations

from typing import Any

from adapter_node import PLACES, Replaced
from guiding import WIDE, apart, scene
from inside import part, run_node


class Older:
    """The same as an older pack keeps it."""

    def __init__(self, mask: Any, context: Any) -> None:
        self.masks, self.context = [mask], context

    def __call__(self, q: Any, k: Any, v: Any, extra: Any) -> Any:
        from comfy.ldm.modules.attention import optimized_attention

        out = optimized_attention(q, k, v, extra["n_heads"])
        return out + sum(Replaced.more(q, extra, one, self.context) for one in self.masks)


def adapters(host: Any, cast: Any) -> dict[str, Any]:
    import torch

    image, mask = scene(cast)
    generator = torch.Generator().manual_seed(1)
    context = 3 * torch.randn(1, 4, 128, generator=generator)
    left, right = (torch.zeros(1, mask.shape[1], WIDE) for _ in range(2))
    left[..., :180], right[..., 180:] = 1, 1
    odd = torch.ones(1, 64, 64)
    compose = part("nodes.compose").FaceAInpaintCompose

    def made(patch: Any) -> tuple[Any, str]:
        model = host[0].clone()
        if patch is not None:
            for place in PLACES:
                model.set_model_attn2_replace(patch, *place)
        before = held(patch)
        done = run_node(
            compose, image=image, mask=mask, model=model, clip=host[1], vae=host[2],
            prompt="a man", steps=2,
        )  # fmt: skip
        assert held(patch) == before
        return done[0], done[4]

    plain = made(None)[0]
    whole = made(Replaced(None, context))[0]
    found: dict[str, Any] = {"adapted": apart(whole, plain)}
    for kind in (Replaced, Older):
        here, elsewhere = made(kind(left, context))[0], made(kind(right, context))[0]
        # The crop, from 0 to 174, lies wholly in the left mask and not at all in the right one.
        found[kind.__name__] = [apart(here, whole), apart(elsewhere, plain)]
    found["another shape"] = made(Replaced(odd, context))[1]
    return found


def held(patch: Any) -> Any:
    if patch is None:
        return None
    values = getattr(patch, "kwargs", None) or getattr(patch, "masks", None)
    return [(id(one), id(one["mask"]) if isinstance(one, dict) else id(one)) for one in values]
