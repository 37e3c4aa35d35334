"""ControlNets as ComfyUI builds and loads them, and as the core does: part of stock.py."""

from __future__ import annotations

from typing import Any

from inside import part


def controls() -> dict[str, int]:
    """By family: tensors whose name or shape is in one of both only. On the device "meta"."""
    spec = part("facea_core.backbone.spec")
    return {family.spec.family: _unlike(family) for family in spec.FAMILIES}


def _unlike(family: Any) -> int:
    import comfy.cldm.cldm
    import comfy.model_detection
    import torch

    control = part("facea_core.backbone.control")
    with torch.device("meta"):
        state = control.original_state(control.empty_control(family))
    ours = {key.removeprefix("control_model."): tuple(v.shape) for key, v in state.items()}
    config = comfy.model_detection.model_config_from_unet(state, "control_model.", True)
    assert config is not None
    settings = {**config.unet_config, "hint_channels": 3, "device": "meta"}
    del settings["out_channels"]
    theirs = comfy.cldm.cldm.ControlNet(**settings).state_dict()
    return len(set(ours.items()) ^ {(key, tuple(v.shape)) for key, v in theirs.items()})


def published() -> dict[str, Any]:
    """The miniature's file by *Load ControlNet Model*, and how far its answers are from ours."""
    import comfy.controlnet
    import folder_paths
    import torch

    name = "facea-tiny-control.safetensors"
    path = folder_paths.get_full_path("controlnet", name)
    loaded = comfy.controlnet.load_controlnet(path)
    backbone = part("facea_core.backbone").load_backbone("tiny")
    ours = part("facea_core.backbone").load_control("tiny", backbone)
    draw = torch.Generator().manual_seed(0)
    noisy, context = torch.randn(2, 4, 16, 16, generator=draw), torch.randn(2, 48, 128)
    hint, timestep = torch.rand(2, 3, 128, 128, generator=draw).round(), torch.tensor([700.0, 20.0])
    with torch.inference_mode():
        model = loaded.control_model.float()
        made = model(noisy, hint, timestep, context)
        mine = ours.residuals(noisy, timestep, context, None, ours.embed(hint))
    theirs = [*made["output"], *made["middle"]]
    pairs = zip(theirs, (*mine.down, mine.middle), strict=True)
    return {
        "listed": name in folder_paths.get_filename_list("controlnet"),
        "kind": type(loaded).__name__,
        "largest": max(float(one.abs().max()) for one in theirs),
        "difference": max(float((a - b).abs().max()) for a, b in pairs),
    }
