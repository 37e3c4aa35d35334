"""What an identity file says about itself, for FaceA and for the tools that manage LoRAs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import IdentityFormatError
from ..io.model_kinds import kind_of
from ..io.tensor_files import Header, parse_json
from ..types import Identity

FORMAT = 1
META = "facea.meta"
"""The metadata's key of what FaceA itself reads."""

MARKS = (b'"facea.format"', b'"facea.meta"')
"""Keys of every identity's metadata, of which one stands at its beginning."""

# (family, whether it predicts v) -> (modelspec.architecture, ss_base_model_version), the names that
# LoRA managers know; those of kohya's trainer.
BASES = {
    ("sd15", False): ("stable-diffusion-v1/lora", "sd_v1"),
    ("sd15", True): ("stable-diffusion-v1/lora", "sd_v1_v"),
    ("sd2", False): ("stable-diffusion-v2-512/lora", "sd_v2"),
    ("sd2", True): ("stable-diffusion-v2-768-v/lora", "sd_v2_v"),
    ("sdxl", False): ("stable-diffusion-xl-v1-base/lora", "sdxl_base_v1-0"),
    ("sdxl", True): ("stable-diffusion-xl-v1-base/lora", "sdxl_base_v1-0"),
}


def file_metadata(identity: Identity) -> dict[str, str]:
    """Everything that an identity file says beside its tensors; all strings."""
    meta = {
        "name": identity.name,
        "words": [
            {
                "placeholder": word.placeholder,
                "attribute": word.attribute,
                "initializer": word.initializer,
                "encoders": {encoder: len(vectors) for encoder, vectors in word.vectors.items()},
            }
            for word in identity.words
        ],
        "layers": list(identity.lora),
        "training": asdict(identity.meta),
    }
    return {
        "facea.format": str(FORMAT),
        META: json.dumps(meta, sort_keys=True),
        **_public_metadata(identity),
    }


def _public_metadata(identity: Identity) -> dict[str, str]:
    """`modelspec.*` (Stability's model metadata standard) and the `ss_*` of kohya's trainer."""
    meta = identity.meta
    v = meta.prediction == "v_prediction"
    architecture, base = BASES.get((meta.family, v), (f"{meta.family}/lora", meta.family))
    triggers = [f"embedding:{word.placeholder}" for word in identity.words]
    rank, alpha = str(meta.rank), f"{next((w.alpha for w in identity.lora.values()), meta.rank):g}"
    out = {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": architecture,
        "modelspec.implementation": "diffusers",
        "modelspec.title": identity.name,
        "modelspec.trigger_phrase": meta.prompt,
        "modelspec.tags": "facea, identity, inpainting",
        "ss_base_model_version": base,
        "ss_v2": str(meta.family == "sd2"),
        "ss_network_module": "networks.lora",
        "ss_network_dim": rank,
        "ss_network_alpha": alpha,
        "ss_output_name": identity.name,
        "ss_steps": str(meta.steps),
        "ss_seed": str(meta.seed),
        "ss_tag_frequency": json.dumps({"facea": dict.fromkeys(triggers, 1)}, sort_keys=True),
    }
    if any(weights.down.ndim == 4 for weights in identity.lora.values()):
        out["ss_network_args"] = json.dumps({"conv_dim": rank, "conv_alpha": alpha})
    if meta.mixed_from:
        people = ", ".join(f"{name} ({share:.0%})" for name, share in meta.mixed_from.items())
        out["modelspec.description"] = (
            f"A blend of the learned faces of {people}; show and share it only with the consent "
            "of all of them."
        )
    if meta.clip_skip:
        out["ss_clip_skip"] = str(meta.clip_skip)
    if meta.prediction:
        out["modelspec.prediction_type"] = "v" if v else "epsilon"
    if meta.created:
        out["modelspec.date"] = meta.created
    return out


def read_metadata(header: Header, path: Path) -> dict[str, Any]:
    """The inverse of `file_metadata`: what `facea.meta` holds. Raises `IdentityFormatError`."""
    metadata = header.metadata
    if "facea.format" not in metadata or META not in metadata:
        kind = kind_of({key: entry.shape for key, entry in header.entries.items()})
        raise IdentityFormatError(
            f"{path.name} is {f'{kind},' if kind else 'a safetensors file but'} not a FaceA "
            "identity (no facea.format in its metadata); choose a file that FaceA trained"
        )
    number = metadata["facea.format"]
    if not (number.isascii() and number.isdigit() and len(number) < 5):
        raise IdentityFormatError(
            f"{path.name} is damaged: its format is {number[:20]!r}, not a number"
        )
    if int(number) > FORMAT:
        raise IdentityFormatError(
            f"{path.name} has format {number}, this version reads up to {FORMAT}: update the pack"
        )
    try:
        meta = parse_json(metadata[META])
    except ValueError as error:
        raise IdentityFormatError(
            f"{path.name} is damaged: its metadata is not JSON ({error}); copy or train it again"
        ) from error
    if not isinstance(meta, dict):
        raise IdentityFormatError(f"{path.name} is damaged: its metadata is not a JSON object")
    return meta
