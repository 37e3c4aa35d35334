"""Full-size identities of every family against stock ComfyUI; prints one line of JSON.

    python tests/host/stock.py <ComfyUI> <empty folder>

U-Nets have sizes and no values (torch's device "meta"): which layer a key belongs to, and whether
it fits, does not depend on them. By family: layers in the identity, layers that the stock LoRA
loader maps, those of them that have the layer's shape; rows of words in the identity, and those
that the stock tokenizers put into a prompt. And ControlNets: see controlled.py.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from controlled import controls, published
from inside import enter, part

RANK = 1


def main(comfyui: Path, base: Path) -> dict[str, Any]:
    enter(comfyui, base)
    spec = part("facea_core.backbone.spec")
    families = {
        family.spec.family: stock(family, base)
        for family in spec.FAMILIES
        if family is not spec.TINY  # the trainer's own test loads one of it
    }
    return {**families, "controls": controls(), "published": published()}


def stock(family: Any, base: Path) -> dict[str, int]:
    import comfy.lora
    import comfy.model_detection
    import torch
    from safetensors.torch import load_file

    keys = part("facea_core.backbone.keys")
    with torch.device("meta"):
        unet = part("facea_core.backbone.load").empty_backbone(family).unet
        state = keys.rename(unet.state_dict(), keys.invert(keys.unet_prefixes(unet.config)))
        config = comfy.model_detection.model_config_from_unet(state, "")
        assert config is not None
        model = config.get_model({}, "", device="meta")

    identity = learned(family, unet)
    files = part("facea_core.identity")
    path = base / f"{family.spec.family}.safetensors"
    files.save_identity(identity, path)
    names = comfy.lora.model_lora_keys_unet(model, {})
    lora = {key: value for key, value in load_file(path).items() if key.startswith("lora_")}
    loaded = comfy.lora.load_lora(lora, names, log_missing=False)
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    fitting = 0
    for key, adapter in loaded.items():
        up, down = adapter.weights[0], adapter.weights[1]
        made = (up.flatten(1) @ down.flatten(1)).numel()
        fitting += shapes[key][0] == len(up) and made == torch.Size(shapes[key]).numel()

    words = base / "models" / "embeddings"
    files.export_words(identity, words)
    return {
        "layers": len(identity.lora),
        "loaded": len(loaded),
        "fitting": fitting,
        "words": sum(len(rows) for word in identity.words for rows in word.vectors.values()),
        "spoken": spoken(family, str(words), identity),
    }


def learned(family: Any, unet: Any) -> Any:
    """An identity with a LoRA on every layer that can have one."""
    import torch

    types = part("facea_core.types")
    pattern = part("facea_core.identity.targets").TARGETS["wide"]
    weights = {path: m.weight for path, m in unet.named_modules() if re.fullmatch(pattern, path)}
    layers = {
        path: types.LoraWeights(
            torch.zeros(RANK, *weight.shape[1:]),
            torch.zeros(weight.shape[0], RANK, *(1,) * (weight.ndim - 2)),
            float(RANK),
        )
        for path, weight in weights.items()
    }
    words = tuple(
        types.Word(
            f"ada/{name}", name, name,
            {encoder: torch.randn(2, width) for encoder, width in family.spec.widths.items()},
        )
        for name in ("eyes", "nose")
    )  # fmt: skip
    meta = types.IdentityMeta(family.spec.family, "", "woman", "", steps=1, seed=0, rank=RANK)
    return types.Identity("ada", words, layers, meta)


def spoken(family: Any, folder: str, identity: Any) -> int:
    """Learned rows, with their exact values, in what the stock tokenizers make of a prompt."""
    import comfy.sd1_clip
    import comfy.sdxl_clip
    import comfy.text_encoders.sd2_clip
    import torch

    tokenizer = {
        "sd15": comfy.sd1_clip.SD1Tokenizer,
        "sd2": comfy.text_encoders.sd2_clip.SD2Tokenizer,
        "sdxl": comfy.sdxl_clip.SDXLTokenizer,
    }[family.spec.family](embedding_directory=folder)
    found = 0
    for word in identity.words:
        said = tokenizer.tokenize_with_weights(f"a photo, embedding:{word.placeholder} here")
        rows = {row for vectors in word.vectors.values() for row in vectors.unbind()}
        told = [t for chunks in said.values() for chunk in chunks for t, _ in chunk]
        told = [t for t in told if isinstance(t, torch.Tensor)]
        found += sum(any(t.equal(row) for row in rows) for t in told)
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))  # noqa: T201
