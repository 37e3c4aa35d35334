"""SEGS, clip skip, ControlNet hints and what a batch keeps, from inside: part of checks.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from inside import part, run_node


class Seg(NamedTuple):
    """A segment of another pack, which knows nothing of ours."""

    cropped_image: Any
    cropped_mask: Any
    confidence: Any
    crop_region: Any
    bbox: Any
    label: Any
    control_net_wrapper: Any = None


def segmented(host: Any, cast: Any) -> dict[str, Any]:
    """What Detect hands out as SEGS, and what Compose paints by SEGS of several makes."""
    import numpy
    import torch

    compose = part("nodes.compose").FaceAInpaintCompose
    image = cast.context.image.movedim(1, -1)
    height, width = image.shape[1:3]
    found = run_node(
        part("nodes.detect").FaceAAttributeDetect, images=image, words="male", detector="tiny"
    )
    (segs,) = found[6]
    (seg,) = segs[1]
    x0, y0, x1, y1 = seg.crop_region
    whole = torch.zeros(1, height, width)
    whole[0, y0:y1, x0:x1] = torch.from_numpy(seg.cropped_mask)

    def painted(given: Any, mask: Any = None) -> Any:
        return run_node(
            compose, image=image, model=host[0], clip=host[1], vae=host[2], steps=2,
            prompt="a man", attributes=given, mask=mask, grow=0.0, neck=0.0,
        )  # fmt: skip

    def made(crop: Any, confidence: Any, region: Any) -> Any:
        one = Seg(None, crop, confidence, region, seg.bbox, numpy.str_("face"))
        return ((numpy.int64(height), width), [one])

    square = numpy.ones((40, 30), dtype=numpy.uint8)
    kinds = {
        "ours": segs,
        "numpy": made(square, numpy.float32(0.5), numpy.array([60, 50, 90, 90])),
        "tensor": made(torch.ones(1, 40, 30), torch.tensor(0.5), (60, 50, 90, 90)),
        "no score": made(square, None, [60, 50, 90, 90]),
    }
    answers = {name: painted(given) for name, given in kinds.items()}
    drawn = torch.zeros(1, height, width)
    drawn[0, 50:90, 60:90] = 1
    differences = {
        name: float((answers["numpy"][0] - answers[name][0]).abs().max())
        for name in ("tensor", "no score")
    }
    refused = {}
    for name, given in {
        "no pair": ((height, width),),
        "no segment": ((height, width), [object()]),
        "outside": made(square, 1.0, [width - 10, 50, width + 20, 90]),
        "another size": ((height, width + 8), segs[1]),
        "black": made(square * 0, 1.0, [60, 50, 90, 90]),
    }.items():
        try:
            painted(given)
            refused[name] = "no error"
        except ValueError as error:
            refused[name] = str(error)
    nobody = painted(((height, width), []))
    return {
        "fields": list(type(seg)._fields),
        "size": list(segs[0]),
        "box": list(seg.bbox),
        "face": list(found[0].faces[0][0].face),
        "mask": float((whole - found[1]).abs().max()),
        "covered": float((answers["numpy"][2] > 0.5)[drawn > 0].float().mean()),
        "beyond": float((answers["numpy"][2] > 0)[:, :, :30].float().max()),
        "differences": differences,
        "refused": refused,
        "nobody": bool(torch.equal(nobody[0], image)),
    }


def skipped(host: Any, identity: Any, cast: Any) -> dict[str, Any]:
    """What nodes say of a person who was learned with another clip skip than CLIP's."""
    import json

    model, clip, vae = host
    shorter = clip.clone()
    shorter.clip_layer(-2)

    def lines(clip: Any, clip_skip: int) -> list[str]:
        person = replace(identity, meta=replace(identity.meta, clip_skip=clip_skip))
        report = run_node(
            part("nodes.compose").FaceAInpaintCompose, image=cast.context.image.movedim(1, -1),
            model=model, clip=clip, vae=vae, steps=1, identity=person,
            mask=half(cast),
        )[4]  # fmt: skip
        return [note for note in json.loads(report)["notes"] if "clip skip" in note]

    return {
        "learned": identity.meta.clip_skip,
        "same": lines(clip, 1),
        "unknown": lines(shorter, 0),
        "both": lines(shorter, 2),
        "longer": lines(clip, 2),
        "shorter": lines(shorter, 1),
    }


def held(host: Any, cast: Any) -> list[int]:
    """How many bytes Compose still holds of each frame that it has finished."""
    import torch

    compose, painting, seen = part("nodes.compose"), part("nodes.host.painting"), []

    class Results(painting.Results):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            seen.append(self)

    image = cast.context.image.movedim(1, -1)
    size = image.shape[1:3]
    used, painting.Results = painting.Results, Results
    try:
        run_node(
            compose.FaceAInpaintCompose, image=image.repeat(2, 1, 1, 1), model=host[0],
            clip=host[1], vae=host[2], steps=1, prompt="a man", mask=torch.ones(1, *size),
        )  # fmt: skip
    finally:
        painting.Results = used
    made = [value for one in seen[0].made for value in (one.image, one.mask)]
    return [value.untyped_storage().nbytes() for value in made]


def hinted() -> dict[str, Any]:
    """What a ControlNet, and one before it, is shown of a crop, and that the wired one stays."""
    import comfy.controlnet
    import torch

    in_crop, types = part("nodes.host").in_crop, part("facea_core.types")
    rows = torch.linspace(0, 1, 64).view(1, 1, -1, 1).expand(2, 3, 64, 128).clone()
    rows[1] = 0.5
    first, second = (comfy.controlnet.ControlNet() for _ in range(2))
    for one in (first, second):
        one.control_model_wrapped = None  # without weights there is none
    first.set_cond_hint(rows[..., ::2, ::2])
    mask = torch.zeros(1, 1, 64, 128)
    mask[..., 64:] = 1
    second.set_cond_hint(rows, extra_concat=[mask])
    second.set_previous_controlnet(first)
    plan = types.CropPlan((64, 128), types.Box(64, 16, 96, 48), (32, 32))
    wired = [[torch.zeros(1, 7, 8), {"control": second, "pooled_output": None}]]
    (((_, here),),) = in_crop([wired], plan)
    (((_, later),),) = in_crop([wired], plan, 3)
    shown, before = here["control"], here["control"].previous_controlnet
    return {
        "shown": float((shown.cond_hint_original - rows[:1, :, 16:48, 64:96]).abs().max()),
        "mask": float(shown.extra_concat_orig[0].min()),
        "before": list(before.cond_hint_original.shape),
        "before_mean": float(before.cond_hint_original.mean()),
        "later": float(later["control"].cond_hint_original.std()),
        "wired": second.cond_hint_original is rows and second.previous_controlnet is first,
    }


def half(cast: Any) -> Any:
    """A mask over the left half of the picture."""
    import torch

    mask = torch.zeros(1, *cast.context.image.shape[2:])
    mask[..., : mask.shape[-1] // 2] = 1
    return mask
