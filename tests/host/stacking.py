"""A person's LoRA that several nodes put into one MODEL: part of checks.py."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from inside import part, run_node


def stacked(host: Any, base: Any, path: str, identity: Any, cast: Any) -> dict[str, Any]:
    """Largest differences of the U-Net's answer to that of one LoRA at the strength that is due."""
    import comfy.lora
    import comfy.model_management
    import comfy.utils
    import torch
    from comfy_extras.nodes_model_merging import ModelMergeSimple

    patching, merge = part("nodes.host.patching"), ModelMergeSimple().merge
    model, clip, _ = host
    context = clip.encode_from_tokens(clip.tokenize("a photo of a man"))
    sample = torch.randn(1, 9, 16, 16, generator=torch.Generator().manual_seed(2))

    def with_lora(model: Any, strength: float, person: Any = identity) -> Any:
        return patching.with_lora(model, person, strength)[0]

    def painting(model: Any, strength: float = 1.0, person: Any = identity) -> Any:
        return patching.painting_model(model, person, strength)[0]

    def answer(model: Any) -> Any:
        comfy.model_management.load_models_gpu([model])
        return model.model.diffusion_model(sample, torch.tensor([500.0]), context=context)

    at = {s: answer(with_lora(model, s)) for s in (0.0, 0.3, 0.5, 1.0, 1.5)}
    full = with_lora(model, 1.0)
    stock = model.clone()
    tensors = comfy.utils.load_torch_file(str(base / "models" / "loras" / path))
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    stock.add_patches(comfy.lora.load_lora(tensors, names, log_missing=False), 1.0)
    made = {
        "half_and_half": (with_lora(with_lora(model, 0.5), 0.5), 1.0),
        "half_and_full": (with_lora(with_lora(model, 0.5), 1.0), 1.5),
        "there_and_back": (with_lora(full, -1.0), 0.0),
        "loader_0_compose_1": (painting(with_lora(model, 0.0)), 1.0),
        "loader_half_compose_1": (painting(with_lora(model, 0.5)), 0.5),
        "loader_1_compose_0.3": (painting(full, 0.3), 0.3),
        "loader_1_compose_0": (painting(full, 0.0), 0.0),
        "stock_loader_compose_1": (painting(stock), 1.0),
        "merged_away": (painting(merge(full, model, 0.0)[0]), 1.0),
        "merged_in": (painting(merge(model, full, 0.0)[0]), 1.0),
        "merged_half": (painting(merge(model, full, 0.5)[0]), 0.5),
        "merged_half_compose_0": (painting(merge(full, model, 0.5)[0], 0.0), 0.0),
        "merged_half_loader_half": (with_lora(merge(model, full, 0.5)[0], 0.5), 1.0),
    }
    found: dict[str, Any] = {
        name: float((answer(model) - at[due]).abs().max()) for name, (model, due) in made.items()
    }
    found["felt"] = min(
        float((at[a] - at[b]).abs().max()) for a, b in ((0.0, 0.3), (0.5, 1.0), (1.0, 1.5))
    )
    return found | refused(full, identity, with_lora, painting) | told(host, identity, cast)


def refused(full: Any, identity: Any, with_lora: Any, painting: Any) -> dict[str, str]:
    """What is said of another training of the name, whose words are the same."""
    lora = {k: replace(w, up=w.up * 1.5) for k, w in identity.lora.items()}
    other = replace(identity, lora=lora)

    def said(put: Any, model: Any) -> str:
        try:
            put(model, 1.0, other)
        except ValueError as error:
            return str(error)
        return "no error"

    taken_out = with_lora(full, -1.0)
    return {
        "other_in_loader": said(with_lora, full),
        "other_in_compose": said(painting, full),
        "other_after_it_was_taken_out": said(with_lora, taken_out),
    }


def told(host: Any, identity: Any, cast: Any) -> dict[str, Any]:
    """What nodes say of strengths, on the loader's node and in Compose's report."""
    import torch

    lora: Any = part("nodes.lora")
    lines: list[str] = []
    say, lora.say = lora.say, lambda text, _: lines.append(text)
    model, clip = host[:2]
    for strength in (0.5, 0.25):
        model, clip, prompt, _ = run_node(
            lora.FaceALoRALoader, model=model, clip=clip, identity=identity, file="none",
            lora_strength=strength, words_strength=strength,
        )  # fmt: skip
    lora.say = say
    mask = torch.zeros(1, 128, 128)
    mask[:, 40:90, 40:90] = 1
    report = run_node(
        part("nodes.compose").FaceAInpaintCompose, image=cast.context.image.movedim(1, -1),
        model=model, clip=clip, vae=host[2], prompt=prompt, mask=mask, identity=identity, steps=1,
    )[4]  # fmt: skip
    said = json.loads(report)
    return {"lines": lines, "lora": said["lora"], "notes": said["notes"]}
