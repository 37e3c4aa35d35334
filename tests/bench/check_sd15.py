"""A full-size SD 1.5 inpainting checkpoint with random weights, through ComfyUI into the trainer.

    python tests/bench/check_sd15.py [--json FILE]

Needs about 12 GB of memory and some minutes. Compares ComfyUI's modules with the copy that the
trainer makes of them, learns a person for one step, and loads the result with stock loaders.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "host"))

from inside import enter, part, run_node
from install import find


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        enter(find(), base)
        found = run(base)
    found["peak_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    print(json.dumps(found, indent=2))
    if flags.json:
        flags.json.write_text(json.dumps(found, indent=2) + "\n")


def run(base: Path) -> dict[str, Any]:
    import comfy.sd
    import torch

    file = base / "sd15-inpainting.safetensors"
    write_random_checkpoint(file)
    began = perf_counter()
    with torch.inference_mode():
        model, clip, vae = comfy.sd.load_checkpoint_guess_config(str(file))[:3]
    file.unlink()
    found: dict[str, Any] = {
        "family": part("nodes.host").spec_of(model).family,
        "load_in_comfyui_s": round(perf_counter() - began, 1),
    }
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 9, 8, 8, generator=generator)
    picture = torch.rand(1, 64, 64, 3, generator=generator)
    prompt = "a photo of a woman at the sea"
    began = perf_counter()
    with torch.inference_mode(), part("nodes.host").training_backbone(model, clip, vae) as copy:
        found["copy_s"] = round(perf_counter() - began, 1)
        context = clip.encode_from_tokens(clip.tokenize(prompt))
        theirs = model.model.diffusion_model(
            sample.to(model.model_dtype()), torch.tensor([500.0]), context=context
        )
        ours = copy.encode_prompts([prompt]).context
        mine = copy.unet(sample, torch.tensor([500]), encoder_hidden_states=ours).sample
        latent = copy.encode_image(picture.movedim(-1, 1))
        scale = model.model.latent_format.scale_factor
        found |= {
            "unet": relative(mine, theirs),
            "text": relative(ours, context),
            "vae_decode": relative(
                copy.decode(latent.mean), vae.decode(latent.mean / scale).movedim(-1, 1)
            ),
        }
    return {**found, **train(model, clip, vae, base)}


def train(model: Any, clip: Any, vae: Any, base: Path) -> dict[str, Any]:
    import comfy.lora
    import comfy.utils

    cast = part("facea_core.demo").draw_cast(0)
    photos = cast.photos.image[:1].movedim(1, -1)
    attributes = run_node(part("nodes.detect").FaceAAttributeDetect, images=photos, detector="tiny")
    began = perf_counter()
    identity, path, *_ = run_node(
        part("nodes.train").FaceAEmbeddingTrainer, images=photos, attributes=attributes[0],
        model=model, clip=clip, vae=vae, name="sd15", class_noun="man", steps=1, batch=1,
        previews=0, settings='{"variants": 1}',
    )  # fmt: skip
    seconds = round(perf_counter() - began, 1)
    tensors = comfy.utils.load_torch_file(str(base / "models" / "loras" / path))
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    lora = {key: value for key, value in tensors.items() if key.startswith("lora_")}
    loaded = comfy.lora.load_lora(lora, names, log_missing=False)
    loader = part("nodes.lora").FaceALoRALoader
    run_node(loader, model=model, clip=clip, identity=identity, file="none")
    return {
        "one_step_512px_batch_1_s": seconds,
        "stock_layers_loaded": f"{len(loaded)}/{len(identity.lora)}",
        "words": [word.placeholder for word in identity.words],
    }


def write_random_checkpoint(file: Path) -> None:
    """Random half-precision weights of the right shapes under the published names."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    keys, load = part("facea_core.backbone.keys"), part("facea_core.backbone.load")
    backbone = load.empty_backbone(part("facea_core.backbone.spec").SD15)
    unet = keys.rename(
        backbone.unet.state_dict(), keys.invert(keys.unet_prefixes(backbone.unet.config))
    )
    state = {keys.UNET_PREFIX + key: value for key, value in unet.items()}
    state |= keys.text_to_single(backbone.text_encoders["clip_l"].state_dict())
    state |= kl_names(backbone.vae.state_dict())
    save_file({key: value.half().contiguous() for key, value in state.items()}, file)


def kl_names(state: dict[str, Any]) -> dict[str, Any]:
    """The autoencoder's tensors under the names of the published checkpoint."""
    import comfy.diffusers_convert

    renamed = comfy.diffusers_convert.convert_vae_state_dict(state)
    return {f"first_stage_model.{key}": value for key, value in renamed.items()}


def relative(ours: Any, theirs: Any) -> float:
    """Largest difference in standard deviations of what is expected."""
    return float((ours.float() - theirs.float()).abs().max() / theirs.float().std())


if __name__ == "__main__":
    main()
