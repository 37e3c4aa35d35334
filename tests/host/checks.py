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

from editing import edits
from inside import enter, part, run_node
from segments import held, hinted, segmented, skipped
from stacking import stacked

PROMPT = "a photo of a man with curly black hair, green eyes"
SEED, STEPS = 7, 20
SAMPLED = [
    *(("ddim", steps, 1.0) for steps in (30, 35, 61, 150)),
    ("euler", 30, 1.0), ("dpmpp_2m", 35, 1.0),
    ("ddim", 30, 0.49), ("dpmpp_2m", 40, 0.65), ("ddim", 7, 0.3),
]  # fmt: skip


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


def fed(core: Any, host: Any, cast: Any) -> dict[str, float]:
    """What the U-Net is shown for one picture and mask: by the core, our node, stock nodes."""
    import torch

    import nodes as comfy_nodes

    model, clip, vae = host
    image, mask = cast.context.image, half_soft_mask(cast)
    sampling, composing = part("nodes.host.sampling"), part("facea_core.composing")
    seen: list[Any] = []
    config = composing.ComposeConfig(steps=STEPS, seed=SEED)
    words = core.text.encode([PROMPT]), core.text.encode([""])
    hook = core.unet.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    composing.inpaint(core, *words, image, mask, config)
    hook.remove()

    conditions = [sampling.encode(clip, text) for text in (PROMPT, "")]
    unet = model.model.diffusion_model
    hook = unet.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    settings = sampling.Paint(STEPS, 2.0, "ddim", "simple", 1.0)
    sampling.paint_crop(
        model, vae, *conditions, settings, whole(image, mask), [SEED], lambda *_: None
    )
    hook.remove()
    ours, theirs = seen[0][:1], seen[STEPS][:1]
    assert len(seen) == 2 * STEPS, len(seen)

    stock = comfy_nodes.InpaintModelConditioning().encode(
        *conditions, image.movedim(1, -1), vae, mask[:, 0], noise_mask=False
    )[0][0][1]
    kept = {"noise": theirs[:, :4], "device": torch.device("cpu")}
    shown = model.model.concat_cond(
        **kept, concat_latent_image=stock["concat_latent_image"], concat_mask=stock["concat_mask"]
    )
    return {
        "fed_noise": diff(ours[:, :4], theirs[:, :4]),
        "fed_mask": diff(ours[:, 4:5], theirs[:, 4:5]),
        "fed_masked_latent": diff(ours[:, 5:], theirs[:, 5:]),
        "fed_stock_mask": diff(ours[:, 4:5], shown[:, :1]),
        "fed_stock_masked_latent": diff(ours[:, 5:], shown[:, 1:]),
    }


def sampled(core: Any, host: Any, cast: Any) -> dict[str, float]:
    """One noise painted by our solvers and by ComfyUI's, where steps divide nothing evenly."""
    model, clip, vae = host
    image, mask = cast.context.image, half_soft_mask(cast)
    sampling, composing = part("nodes.host.sampling"), part("facea_core.composing")
    words, said = core.text.encode([PROMPT]), sampling.encode(clip, PROMPT)

    def apart(sampler: str, steps: int, denoise: float) -> float:
        config = composing.ComposeConfig(
            steps=steps, seed=SEED, sampler=sampler, denoise=denoise, cfg=1.0
        )
        ours = composing.inpaint(core, words, None, image, mask, config)
        settings = sampling.Paint(steps, 1.0, sampler, "simple", denoise)
        theirs = sampling.paint_crop(
            model, vae, said, said, settings, whole(image, mask), [SEED], lambda *_: None
        )
        return diff(ours, theirs)

    return {f"sampled {name} {n} {d}": apart(name, n, d) for name, n, d in SAMPLED}


def together(file: Path, host: Any, cast: Any) -> dict[str, Any]:
    """Candidates painted at once and alone, by every sampler, with and without mask channels."""
    model, clip, vae = host
    crop = whole(cast.context.image, half_soft_mask(cast))
    sampling = part("nodes.host.sampling")
    said = sampling.encode(clip, PROMPT), sampling.encode(clip, "")
    seeds, most = [SEED, 2**40], []

    def paint(model: Any, settings: Any, seeds: list[int]) -> tuple[Any, list[int]]:
        counts, steps = [], []
        hook = model.model.diffusion_model.register_forward_pre_hook(
            lambda _, inputs: counts.append(len(inputs[0]))
        )
        painted = sampling.paint_crop(
            model, vae, *said, settings, crop, seeds, lambda step, _: steps.append(step)
        )
        hook.remove()
        most.append(max(counts))
        return painted, steps

    found: dict[str, Any] = {"together": {}, "together_at_once": {}, "together_steps": []}
    few = ("euler", "ddim", "dpmpp_2m", "uni_pc", "euler_ancestral")
    for shown, painter, names in (
        ("inpainting", model, sampling.samplers()), ("plain", four_channels(file), few)
    ):  # fmt: skip
        for name in names:
            settings = sampling.Paint(3, 2.0, name, "karras", 1.0 if shown == "plain" else 0.7)
            alone = [paint(painter, settings, [seed])[0] for seed in seeds]
            most.clear()
            batch, steps = paint(painter, settings, seeds)
            found["together"][f"{shown} {name}"] = max(
                diff(one, other) for one, other in zip(alone, batch.split(1), strict=True)
            )
            found["together_at_once"][f"{shown} {name}"] = most[0]
            if name in ("euler", "euler_ancestral"):
                found["together_steps"].append(steps)
    return found


def whole(image: Any, mask: Any) -> Any:
    """The crop that is the image itself."""
    composing, types = part("facea_core.composing"), part("facea_core.types")
    height, width = size = tuple(image.shape[2:])
    plan = types.CropPlan(size, types.Box(0, 0, width, height), size)
    return composing.Crop(image, mask, plan)


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


def composed(core: Any, host: Any, cast: Any, identity: Any) -> dict[str, float]:
    """The same person painted into the same picture by the core and by our nodes."""
    import numpy
    import torch

    composing = part("facea_core.composing")
    image, mask = cast.context.image, half_soft_mask(cast)
    config = composing.ComposeConfig(steps=STEPS, seed=SEED)
    ours = composing.compose_identity(image, [(mask, identity)], core, config).image
    loader, compose = part("nodes.lora").FaceALoRALoader, part("nodes.compose").FaceAInpaintCompose
    model, clip, prompt, _ = run_node(
        loader, model=host[0], clip=host[1], identity=identity, file="none"
    )
    theirs = run_node(
        compose, image=image.movedim(1, -1), model=model, clip=clip, vae=host[2], prompt=prompt,
        mask=mask[:, 0], sampler_name="ddim", scheduler="simple",
        # Numbers as packs of mathematics hand them out.
        steps=numpy.int64(STEPS), seed=torch.tensor(SEED), denoise=numpy.float64(1),
    )[0].movedim(-1, 1)  # fmt: skip
    outside = (theirs - image).abs()[(mask == 0).expand_as(image)]
    change = (ours - image).abs().mean()
    return {
        "composed_mean": float((ours - theirs).abs().mean()),
        "composed": diff(ours, theirs),
        "composed_change_mean": float(change),
        "outside_mask": float(outside.max()) if torch.is_tensor(outside) else 0.0,
    }


def spoken(core: Any, host: Any, identity: Any) -> dict[str, Any]:
    """Words in prompts behind the loader: strength, two people, spelling, and not before it."""
    from dataclasses import replace

    import torch

    def other_word(word: Any) -> Any:
        vectors = {name: rows.flip(-1) for name, rows in word.vectors.items()}
        return replace(word, placeholder=f"other/{word.attribute}", vectors=vectors)

    def read(clip: Any, prompt: str) -> Any:
        return encode(clip, prompt)[0][0]

    encode, loader = part("nodes.host.sampling").encode, part("nodes.lora").FaceALoRALoader
    with_words = part("nodes.host").with_words
    other = replace(identity, name="other", words=tuple(map(other_word, identity.words)))
    one = run_node(loader, model=host[0], clip=host[1], identity=identity, file="none")
    two = run_node(loader, model=one[0], clip=one[1], identity=other, file="none")
    off = run_node(
        loader, model=host[0], clip=host[1], identity=identity, file="none", lora_strength=0.0,
        words_strength=0.0,
    )  # fmt: skip
    prompt = "a photo of embedding:checked/eyes and embedding:other/nose at the sea"
    words = {w.placeholder: w.vectors for w in (*identity.words, *other.words)}
    try:
        read(host[1], prompt)
        unknown = "no error"
    except ValueError as error:
        unknown = str(error)
    plain, learned = read(host[1], "a photo of eyes"), "a photo of embedding:checked/eyes"
    sample = torch.randn(1, 9, 16, 16, generator=torch.Generator().manual_seed(1))
    return {
        "two_people": diff(core.text.encode([prompt], words).context, read(two[1], prompt)),
        "words_strength_0": diff(plain, read(off[1], learned)),
        "first_strength_stays": diff(read(with_words(off[1], identity), learned), plain),
        "last_strength_counts": diff(
            read(with_words(off[1], identity, 1.0), learned), read(one[1], learned)
        ),
        "words_strength_1_change": diff(plain, read(one[1], learned)),
        "spelling": diff(
            read(two[1], "eyes, embedding:checked/eyes , blue"),
            read(two[1], "eyes,embedding:checked/eyes, blue"),
        ),
        "lora_strength_0": diff(answer(off[0], sample, plain), answer(host[0], sample, plain)),
        "lora_strength_1_change": diff(
            answer(one[0], sample, plain), answer(host[0], sample, plain)
        ),
        "unknown_word": unknown,
        "look_up": answers(),
    }


def answers() -> list[Any]:
    """What is said of a known word and of another, to a ComfyUI that answers with two or three."""
    look_up, known = part("nodes.host.patching").look_up, {"ada/eyes": ("learned", "scaled")}

    def two(name: str) -> tuple[Any, ...]:
        return None, "rest"

    def three(name: str) -> tuple[Any, ...]:
        return None, name, "rest"

    words = ("ada/eyes, and more", "other")
    return [list(look_up(word, known, host)) for host in (two, three) for word in words]


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


def four_channels(file: Path) -> Any:
    """A MODEL that is shown no mask."""
    import comfy.sd
    import comfy.utils

    tensors = comfy.utils.load_torch_file(str(file))
    first = "model.diffusion_model.input_blocks.0.0.weight"
    tensors[first] = tensors[first][:, :4].clone()
    return comfy.sd.load_state_dict_guess_config(tensors)[0]


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


def answer(model: Any, sample: Any, context: Any) -> Any:
    """What the U-Net of a MODEL says, its patches in place."""
    import comfy.model_management
    import torch

    comfy.model_management.load_models_gpu([model])
    return model.model.diffusion_model(sample, torch.tensor([500.0]), context=context)


def untouched(before: list[Any], after: list[Any]) -> dict[str, bool]:
    import torch

    return {"base_untouched": all(map(torch.equal, before, after))}


def half_soft_mask(cast: Any) -> Any:
    """The mask of the face, soft, as composing makes it."""
    types, composing = part("facea_core.types"), part("facea_core.composing")
    box = types.Box(*cast.context.boxes[0]["face"])
    return composing.face_mask(types.FaceAttributes((128, 128), box, 1.0))


def diff(first: Any, second: Any) -> float:
    return float((first.float() - second.float()).abs().max())


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))  # noqa: T201
