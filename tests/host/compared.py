"""What the parts of checks.py share: a prompt, a mask, a difference, a MODEL shown no mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inside import part

PROMPT = "a photo of a man with curly black hair, green eyes"


def half_soft_mask(cast: Any) -> Any:
    """The mask of the face, soft, as composing makes it."""
    types, composing = part("facea_core.types"), part("facea_core.composing")
    box = types.Box(*cast.context.boxes[0]["face"])
    return composing.face_mask(types.FaceAttributes((128, 128), box, 1.0))


def four_channels(file: Path) -> Any:
    """A MODEL that is shown no mask."""
    import comfy.sd
    import comfy.utils

    tensors = comfy.utils.load_torch_file(str(file))
    first = "model.diffusion_model.input_blocks.0.0.weight"
    tensors[first] = tensors[first][:, :4].clone()
    return comfy.sd.load_state_dict_guess_config(tensors)[0]


def diff(first: Any, second: Any) -> float:
    return float((first.float() - second.float()).abs().max())
