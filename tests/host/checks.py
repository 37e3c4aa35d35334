"""Compares the core with ComfyUI in one process and prints what it found as one line of JSON.

    python tests/host/checks.py <ComfyUI> <empty folder>

Every figure is the largest absolute difference unless its name says otherwise.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from compared import PROMPT, diff
from editing import edits
from inside import enter, part, run_node
from refusing import doors, no_place_for_words, refused
from restoring import restores
from sampling import composed, fed, sampled, together
from segments import held, hinted, segmented, skipped
from speaking import spoken
from stacking import stacked


def main(comfyui: Path, base: Path) -> dict[str, Any]:
    enter(comfyui, base)
    import comfy.sd
    import torch

    core = part("facea_core.backbone").load_backbone("tiny")
    file = part("facea_core.io.assets").asset(part("facea_core.backbone.load").TINY_FILE)
    words = str(base / "models" / "embeddings")
    with torch.inference_mode():
        host = comfy.sd.load_checkpoint_guess_config(str(file), embedding_directory=words)[:3]
    cast = part("facea_core.demo").draw_cast(3)
    with torch.inference_mode():
        found = {**modules(core, host), **fed(core, host, cast), **sampled(core, host, cast)}
        found |= together(file, host, cast)
        before = outputs(host)
    identity, path = train(host, cast)
    with torch.inference_mode():
        found |= {**stock(host, base, path, identity), **composed(core, host, cast, identity)}
        found |= {**spoken(core, host, identity), **refused(file, host, cast)}
        found["edits"] = edits(core, host, cast, identity)
        found["restored"] = restores(core, host, cast, identity)
        found["stacked"] = stacked(host, base, path, identity, cast)
        found["segs"], found["skip"] = segmented(host, cast), skipped(host, identity, cast)
        found["hints"], found["held"] = hinted(), held(host, cast)
        found |= {**doors(file, host), **no_place_for_words(host, base, cast)}
        found |= listed(host, cast)
        found |= untouched(before, outputs(host))
    return found


def outputs(host: Any) -> list[Any]:
    """What MODEL, CLIP and VAE make of fixed inputs."""
    import comfy.model_management
    import torch

    model, clip, vae = host
    # ComfyUI patches weights in place for the clone that was used last, and puts them back here.
    comfy.model_management.load_models_gpu([model, clip.patcher])
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 9, 16, 16, generator=generator)
    context = clip.encode_from_tokens(clip.tokenize(PROMPT))
    answer = model.model.diffusion_model(sample, torch.tensor([500.0]), context=context)
    picture = torch.rand(1, 128, 128, 3, generator=generator)
    latent = vae.encode(picture)
    return [answer, context, latent, vae.decode(latent)]


def modules(core: Any, host: Any) -> dict[str, float]:
    """U-Net, text encoder and autoencoder, ours and theirs, on the same inputs."""
    import torch

    answer, context, latent, picture = outputs(host)
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 9, 16, 16, generator=generator)
    image = torch.rand(1, 128, 128, 3, generator=generator).movedim(-1, 1)
    ours = core.text.encode([PROMPT]).context
    mine = core.unet(sample, torch.tensor([500]), encoder_hidden_states=ours).sample
    encoded = core.encode_image(image).sample()
    return {
        "unet": diff(mine, answer),
        "text": diff(ours, context),
        "vae_encode": diff(encoded, latent),
        "vae_decode": diff(core.decode(encoded), picture.movedim(-1, 1)),
    }


def train(host: Any, cast: Any) -> tuple[Any, str]:
    """A person learned for six steps by our node."""
    photos = cast.photos.image.movedim(1, -1)
    detect = part("nodes.detect").FaceAAttributeDetect
    attributes = run_node(detect, images=photos, words="female", detector="tiny")[0]
    identity, path, *_ = run_node(
        part("nodes.train").FaceAEmbeddingTrainer, images=photos, attributes=attributes,
        model=host[0], clip=host[1], vae=host[2], name="checked", class_noun=cast.noun, steps=6,
        previews=0, lora_rate=1e-3,
    )  # fmt: skip
    return identity, path


def stock(host: Any, base: Path, path: str, identity: Any) -> dict[str, Any]:
    """ComfyUI's own LoRA loader and its reader of embeddings on what the trainer left."""
    import comfy.lora
    import comfy.sd1_clip
    import comfy.utils
    import torch

    model = host[0]
    tensors = comfy.utils.load_torch_file(str(base / "models" / "loras" / path))
    lora = {key: value for key, value in tensors.items() if key.startswith("lora_")}
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    loaded = comfy.lora.load_lora(lora, names, log_missing=False)
    read = [
        comfy.sd1_clip.load_embed(
            word.placeholder, str(base / "models" / "embeddings"), rows.shape[-1], encoder
        )
        for word in identity.words
        for encoder, rows in word.vectors.items()
    ]
    learned = [rows for word in identity.words for rows in word.vectors.values()]
    return {
        "stock_layers_loaded": len(loaded),
        "stock_layers": len(identity.lora),
        "stock_words_read": sum(
            one is not None and torch.equal(one, rows)
            for one, rows in zip(read, learned, strict=True)
        ),
        "stock_words": len(learned),
    }


def listed(host: Any, cast: Any) -> dict[str, Any]:
    """Photos of three sizes as a list: found, looked at and learned from; their shapes after."""
    import torch.nn.functional as F

    photos = [
        F.interpolate(image[None], size, mode="area").movedim(1, -1)
        for image, size in zip(cast.photos.image, ((128, 128), (150, 112), (97, 160)), strict=True)
    ]
    detect = part("nodes.detect").FaceAAttributeDetect
    found = [run_node(detect, images=one, words="female", detector="tiny")[0] for one in photos]
    kept, attributes, crops, _, drawn, *_ = run_node(
        part("nodes.audit").FaceAPhotoAudit, images=photos, attributes=found, resolution=128
    )
    report = run_node(
        part("nodes.train").FaceAEmbeddingTrainer, images=kept, attributes=attributes,
        model=host[0], clip=host[1], vae=host[2], name="listed", steps=2, previews=0,
    )[4]  # fmt: skip
    return {
        "listed_kept": [list(one.shape) for one in kept],
        "listed_faces": [one.count for one in attributes],
        "listed_crops": list(crops.shape),
        "listed_drawn": len(drawn),
        "listed_steps": json.loads(report)["steps_run"],
    }


def untouched(before: list[Any], after: list[Any]) -> dict[str, bool]:
    import torch

    return {"base_untouched": all(map(torch.equal, before, after))}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))  # noqa: T201
