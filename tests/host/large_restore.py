"""FaceA Restore on a full-size model of random weights; prints what must hold as one line of JSON.

    python tests/host/large_restore.py <ComfyUI> <empty folder> sd15 | sdxl

The crop has 256 pixels a side in place of the family's own, for time. Prompts are random numbers.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
sys.path.insert(0, str(Path(__file__).parent))

from inside import enter, part, run_node
from large_hints import loaded, said

SIDE, STEPS = 256, 2
LAYER = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
KEY = "middle_block.1.transformer_blocks.0.attn1.to_q"
"""The same layer in ComfyUI."""

WIDTH = 1280


def main(comfyui: Path, base: Path, family: str) -> dict[str, float]:
    enter(comfyui, base)
    import torch

    restore, painting = part("nodes.restore"), part("nodes.host.painting")
    of_model = restore.spec_of
    restore.spec_of = lambda model: replace(of_model(model), resolution=SIDE)
    texts: dict[str, Any] = {}
    with torch.inference_mode():
        model, vae = loaded(family)
        generator = torch.Generator().manual_seed(3)
        painting.encode = lambda _, prompt: texts.setdefault(prompt, said(model, generator))
        painting.with_words = lambda clip, _: clip
        identity = person(family, generator)
        image = part("facea_core.demo").draw_cast(3, SIDE).photos.image[:1]
        mask = torch.zeros(1, SIDE, SIDE)
        mask[:, 60:200, 60:190] = 1
        calls = 0
        clone = model.clone()

        def count(given: Any) -> Any:
            nonlocal calls
            calls += 1
            return given["denoised"]

        clone.set_model_sampler_post_cfg_function(count)
        before = held(clone)

        def made(**more: Any) -> Any:
            return run_node(
                restore.FaceARestore, image=image.movedim(1, -1), model=clone, clip=clip(), vae=vae,
                identity=identity, mask=mask, steps=STEPS, cfg=2.0, sampler_name="euler",
                scheduler="normal", feather=0.0, strength=0.5, **more,
            )  # fmt: skip

        first = made()
        asked, report = calls, json.loads(first[4])
        known = {key: digest(value[0][0]) for key, value in texts.items()}
        again = made(match=True)
        change = (first[0] - image.movedim(1, -1)).abs().amax(-1)
        return {
            "asked": asked,
            "outside": float(change[first[2] == 0].max()),
            "inside": float(change[mask == 1].mean()),
            "patches": float(held(clone) != before),
            "conditioning": float(
                any(digest(texts[key][0][0]) != value for key, value in known.items())
            ),
            "faces": len(report["pictures"][0]["faces"]),
            "told": len(json.loads(again[4])["pictures"][0]["notes"]),
        }


def person(family: str, generator: Any) -> Any:
    """Somebody with one changed layer."""
    import torch

    types = part("facea_core.types")
    factors = [torch.randn(shape, generator=generator) / 30 for shape in ((4, WIDTH), (WIDTH, 4))]
    meta = types.IdentityMeta(family, "", "man", "a photo of a man", 1, 0, 4)
    return types.Identity("ada", (), {LAYER: types.LoraWeights(*factors, 4.0)}, meta)


def clip() -> Any:
    """A CLIP of which only the layer is asked for."""
    from types import SimpleNamespace

    return SimpleNamespace(layer_idx=None)


def held(model: Any) -> Any:
    """What MODEL holds: its patches, its functions and a layer as it is without them."""
    model.unpatch_model()
    weight = model.model.state_dict()[f"diffusion_model.{KEY}.weight"]
    patches = {key: len(some) for key, some in model.patches.items()}
    return patches, {key: str(some) for key, some in model.model_options.items()}, digest(weight)


def digest(tensor: Any) -> float:
    return float(tensor.double().sum())


if __name__ == "__main__":
    found = main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    sys.stdout.write(json.dumps(found) + "\n")
