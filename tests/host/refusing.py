"""Models, weights and folders that the trainer refuses, and with which words: part of checks.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compared import PROMPT, diff, four_channels
from inside import part, run_node


def refused(file: Path, host: Any, cast: Any) -> dict[str, str]:
    """What the trainer says to a MODEL of the right shape that is no inpainting model."""
    model = four_channels(file)
    photos = cast.photos.image.movedim(1, -1)
    detect = part("nodes.detect").FaceAAttributeDetect
    attributes = run_node(detect, images=photos, words="female", detector="tiny")[0]
    try:
        run_node(
            part("nodes.train").FaceAEmbeddingTrainer, images=photos, attributes=attributes,
            model=model, clip=host[1], vae=host[2], steps=1,
        )  # fmt: skip
    except ValueError as error:
        return {"four_channels": str(error)}
    return {"four_channels": "no error"}


def no_place_for_words(host: Any, base: Path, cast: Any) -> dict[str, str]:
    """What the trainer says, before it trains, where models/embeddings cannot be written."""
    trainer: Any = part("nodes.train")
    (base / "taken").write_text("")
    folder, once = trainer.embeddings_folder, trainer.training_hash
    trainer.embeddings_folder = lambda: base / "taken"
    trainer.training_hash = None
    try:
        run_node(
            trainer.FaceAEmbeddingTrainer, images=cast.photos.image.movedim(1, -1),
            attributes=None, model=host[0], clip=host[1], vae=host[2], name="checked",
        )  # fmt: skip
    except OSError as error:
        return {"no_place_for_words": str(error)}
    finally:
        trainer.embeddings_folder, trainer.training_hash = folder, once
    return {"no_place_for_words": "no error"}


def doors(file: Path, host: Any) -> dict[str, Any]:
    """What of a host's weights becomes a backbone, and what is refused with which words."""
    import comfy.sd
    import comfy_extras.nodes_model_advanced as advanced
    import torch

    model, clip, vae = host
    backbone_of = part("nodes.host").training_backbone

    def error(model: Any, clip: Any = clip) -> str:
        try:
            with backbone_of(model, clip, vae):
                return "no error"
        except ValueError as refusal:
            return str(refusal)

    def fresh(**options: Any) -> Any:
        return comfy.sd.load_checkpoint_guess_config(str(file), model_options=options)[0]

    class Packed(torch.nn.Parameter):
        """As packs for GGUF wrap a weight: bytes under a class of their own."""

    packed = fresh()
    packed.model.diffusion_model.out[2].weight = Packed(
        torch.zeros(4, 576, dtype=torch.uint8), requires_grad=False
    )
    snr = advanced.ModelSamplingDiscrete().patch(fresh(), "v_prediction", zsnr=True)[0]
    skipping = clip.clone()
    skipping.clip_layer(-2)
    hash_of = part("nodes.host").training_hash
    with backbone_of(model, skipping, vae) as backbone:
        ours = backbone.text.encode([PROMPT]).context
        hashes = [backbone.hash, hash_of(model, skipping, vae)]
    patched = model.clone()
    key = "diffusion_model.out.2.weight"
    patched.add_patches({key: ("diff", (torch.ones_like(model.model_state_dict()[key]),))})
    with backbone_of(patched, clip, vae) as backbone:
        changed = [backbone.hash, hash_of(patched, clip, vae)]
    other = clip.clone()
    other.patcher = model
    return {
        "fp8": error(fresh(dtype=torch.float8_e4m3fn)),
        "packed": error(packed),
        "zero_snr": error(snr),
        "other_clip": error(model, other),
        "hash_of_a_copy": hashes[0] == hashes[1],
        "hash_of_a_patched_copy": changed[0] == changed[1] != hashes[0],
        "clip_layer": diff(ours, skipping.encode_from_tokens(skipping.tokenize(PROMPT))),
    }
