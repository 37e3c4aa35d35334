"""Compose with a hint of the whole picture beside crop and hint cut by hand, on a full-size model
of random weights; prints the largest absolute differences as one line of JSON.

    python tests/host/large_hints.py <ComfyUI> <empty folder> sd15 | sdxl

The crop has 256 pixels a side in place of the family's own, for time.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
sys.path.insert(0, str(Path(__file__).parent))

from families.full_size import COMMON, host_modules, random_tensor
from guiding import HIGH, WIDE, apart, controlnet, scene
from inside import enter, part, run_node

SIDE = 256


def main(comfyui: Path, base: Path, family: str) -> dict[str, float]:
    enter(comfyui, base)
    import torch

    import nodes as comfy_nodes

    compose = part("nodes.compose")
    of_model = compose.spec_of
    compose.spec_of = lambda model: replace(of_model(model), resolution=SIDE)
    cast = part("facea_core.demo").draw_cast(3)
    apply = comfy_nodes.ControlNetApplyAdvanced().apply_controlnet
    cut = part("nodes.face_crop").FaceAFaceCrop
    sampling, composing = part("nodes.host.sampling"), part("facea_core.composing")
    with torch.inference_mode():
        model, vae = loaded(family)
        image, mask = scene(cast)
        generator = torch.Generator().manual_seed(3)
        hint = torch.rand(1, HIGH // 2, WIDE // 2, 3, generator=generator)
        texts = [said(model, generator) for _ in range(2)]
        crop, crop_mask, crops, alike = run_node(cut, image=image, mask=mask, size=SIDE, also=hint)[
            :4
        ]
        found = {}
        for name, nets in {
            "two": [controlnet((model,), 1), controlnet((model,), 2)], "t2i": [t2i(family)]
        }.items():  # fmt: skip
            whole, by_hand = texts, texts
            for net in nets:
                whole = apply(*whole, net, hint, 1.0, 0.0, 1.0)
                by_hand = apply(*by_hand, net, alike, 1.0, 0.0, 1.0)
            made, plain = (
                run_node(
                    compose.FaceAInpaintCompose, image=image, mask=mask, model=model, clip=None,
                    vae=vae, steps=1, positive=positive, negative=negative, sampler_name="euler",
                    scheduler="normal", cfg=2.0,
                )[0]
                for positive, negative in (whole, texts)
            )  # fmt: skip
            patch = sampling.paint_crop(
                model, vae, *by_hand, sampling.Paint(1, 2.0, "euler", "normal", 1.0),
                composing.Crop(crop.movedim(-1, 1), crop_mask[:, None], crops.crops[0][0].plan),
                [0], lambda *_: None,
            )  # fmt: skip
            paste = part("nodes.face_paste").FaceAFacePaste
            back = run_node(paste, crop=patch.movedim(1, -1), crops=crops, colour_match=1.0)[0]
            found[f"{name}, by hand"] = apart(made, back)
            found[f"{name}, guided"] = apart(made, plain)
    return found


def loaded(family: str) -> tuple[Any, Any]:
    """MODEL and VAE of an inpainting model of that family, as a checkpoint gives them."""
    import comfy.sd
    import torch

    COMMON["in_channels"] = 9
    config, parts = host_modules(family)
    generator = torch.Generator().manual_seed(0)
    for name in ("unet", "vae"):
        for key, value in parts[name].items():
            parts[name][key] = random_tensor(key, value.shape, generator)
    state = {
        **config.process_unet_state_dict_for_saving(parts["unet"]),
        **config.process_vae_state_dict_for_saving(parts["vae"]),
    }
    model, _, vae, _ = comfy.sd.load_state_dict_guess_config(state, output_clip=False)
    return model, vae


def said(model: Any, generator: Any) -> Any:
    """CONDITIONING of a random prompt."""
    import torch

    width = model.model.model_config.unet_config["context_dim"]
    values = {"pooled_output": torch.randn(1, 1280, generator=generator)}
    return [[torch.randn(1, 77, width, generator=generator), values]]


def t2i(family: str) -> Any:
    """A T2I adapter of the published layout, through ComfyUI's own loader."""
    import comfy.controlnet
    import comfy.t2i_adapter.adapter
    import torch

    xl = family == "sdxl"
    network = comfy.t2i_adapter.adapter.Adapter(
        cin=3 * (16 if xl else 8) ** 2, channels=[320, 640, 1280, 1280], nums_rb=2, ksize=1,
        sk=True, use_conv=False, xl=xl,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(5)
    state = {
        key: random_tensor(key, value.shape, generator).float()
        for key, value in network.state_dict().items()
    }
    return comfy.controlnet.load_t2i_adapter(state)


if __name__ == "__main__":
    found = main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    sys.stdout.write(json.dumps(found) + "\n")
