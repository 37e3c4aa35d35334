"""What the U-Net is fed and what is sampled, in the core and in ComfyUI: part of checks.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compared import PROMPT, diff, four_channels, half_soft_mask
from inside import part, run_node

SEED, STEPS = 7, 20
SAMPLED = [
    *(("ddim", steps, 1.0) for steps in (30, 35, 61, 150)),
    ("euler", 30, 1.0), ("dpmpp_2m", 35, 1.0),
    ("ddim", 30, 0.49), ("dpmpp_2m", 40, 0.65), ("ddim", 7, 0.3),
]  # fmt: skip


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
    image, mask = small(cast)
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
    crop = whole(*small(cast))
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


def small(cast: Any) -> tuple[Any, Any]:
    """Picture and mask at half their size, for what is sampled many times."""
    return cast.context.image[..., ::2, ::2], half_soft_mask(cast)[..., ::2, ::2]


def whole(image: Any, mask: Any) -> Any:
    """The crop that is the image itself."""
    composing, types = part("facea_core.composing"), part("facea_core.types")
    height, width = size = tuple(image.shape[2:])
    plan = types.CropPlan(size, types.Box(0, 0, width, height), size)
    return composing.Crop(image, mask, plan)


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
