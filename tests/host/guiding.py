"""A picture, and what guides a model over it: ControlNets, T2I adapters, boxes, latents."""

from __future__ import annotations

from typing import Any

from inside import part

HIGH, WIDE = 120, 200  # not square: the crop reaches outside


def scene(cast: Any) -> tuple[Any, Any]:
    """A picture (1, H, W, 3) and a mask over most of its left half."""
    import torch

    image = torch.full((1, HIGH, WIDE, 3), 0.4)
    image[:, :, :128] = cast.context.image.movedim(1, -1)[:, :HIGH]
    mask = torch.zeros(1, HIGH, WIDE)
    mask[:, 10:110, 20:110] = 1
    return image, mask


def apart(first: Any, second: Any) -> float:
    return float((first - second).abs().max())


def controlnet(host: Any, seed: int) -> Any:
    """A ControlNet of the model's shape that guides strongly, with random weights."""
    import comfy.cldm.cldm
    import comfy.controlnet
    import comfy.ops
    import torch

    shape = dict(host[0].model.model_config.unet_config, in_channels=4, hint_channels=3)
    shape.pop("out_channels")
    torch.manual_seed(seed)
    network = comfy.cldm.cldm.ControlNet(
        **{**shape, "dtype": torch.float32, "operations": comfy.ops.disable_weight_init}
    )
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return comfy.controlnet.ControlNet(network, load_device=torch.device("cpu"))


def t2i() -> Any:
    """A T2I adapter; its layers are of the model's shape, which has fewer than Stable Diffusion."""
    import comfy.controlnet
    import torch

    class Small(torch.nn.Module):
        unshuffle_amount = 8

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(5)
            self.conv = torch.nn.Conv2d(3 * 64, 64, 3, padding=1)

        def forward(self, image: Any) -> Any:
            seen = self.conv(torch.nn.functional.pixel_unshuffle(image, 8))
            return {"input": [None, None, None, None, seen, None]}

    return comfy.controlnet.T2IAdapter(Small(), 3, 8, "nearest-exact", torch.device("cpu"))


def still(control: Any) -> Any:
    copied = control.copy()
    copied.strength = 0.0
    return copied


def marks(both: Any) -> list[Any]:
    """What could be changed in conditionings, as values."""
    found = []
    for conditioning in both:
        for embedding, values in conditioning:
            chain = values.get("control")
            found.append((float(embedding.sum()), sorted(values)))
            while chain is not None:
                hint = chain.cond_hint_original
                found.append((id(chain), id(hint), float(hint.sum()), chain.strength))
                chain = chain.previous_controlnet
    return found


def places() -> dict[str, Any]:
    """GLIGEN's boxes and reference latents in a crop."""
    import torch

    in_crop, types = part("nodes.host").in_crop, part("facea_core.types")
    plan = types.CropPlan((64, 128), types.Box(64, 16, 96, 48), (64, 64))
    boxes = [("inside", 2, 2, 3, 9), ("across", 8, 4, 0, 6), ("elsewhere", 2, 2, 0, 0)]
    latent = torch.arange(16.0).view(1, 1, 1, 16).expand(1, 4, 8, 16).clone() - 4
    other = torch.zeros(1, 4, 8, 8)
    followed = part("nodes.host").Followed()
    wired = [[None, {"gligen": ("position", "model", boxes), "reference_latents": [latent, other]}]]
    (((_, here),),) = in_crop([wired], plan, followed=followed)
    cut, kept = here["reference_latents"]
    return {
        "boxes": here["gligen"][2],
        "latent": [list(cut.shape), float(cut.min()), float(cut.max())],
        "kept": kept is other,
        "given": len(wired[0][1]["gligen"][2]),
        "notes": followed.notes,
    }
