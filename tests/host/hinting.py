"""What of a whole picture guides a crop of it; prints what it found as one line of JSON.

    python tests/host/hinting.py <ComfyUI> <empty folder>

Every figure is the largest absolute difference unless its name says otherwise.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from adapting import adapters
from guiding import HIGH, WIDE, apart, controlnet, marks, places, scene, still, t2i
from inside import enter, part, run_node


def main(comfyui: Path, base: Path) -> dict[str, Any]:
    enter(comfyui, base)
    import comfy.sd
    import torch

    file = part("facea_core.io.assets").asset(part("facea_core.backbone.load").TINY_FILE)
    cast = part("facea_core.demo").draw_cast(3)
    with torch.inference_mode():
        host = comfy.sd.load_checkpoint_guess_config(str(file))[:3]
        return {
            "hints": hints(host, cast), "places": places(), "adapters": adapters(host, cast)
        }  # fmt: skip


def hints(host: Any, cast: Any) -> dict[str, Any]:
    """Compose with hints of the whole picture beside crop and hint cut out by hand."""
    import torch

    import nodes as comfy_nodes

    image, mask = scene(cast)
    crop, crop_mask, crops = run_node(
        part("nodes.face_crop").FaceAFaceCrop, image=image, mask=mask, size=128
    )[:3]
    plan = crops.crops[0][0].plan
    generator = torch.Generator().manual_seed(3)
    whole = torch.rand(1, HIGH // 8, WIDE // 8, 3, generator=generator)
    apply = comfy_nodes.ControlNetApplyAdvanced().apply_controlnet
    texts = [part("nodes.host.sampling").encode(host[1], text) for text in ("a man", "")]

    def wired(nets: Any, hint: Any, strength: float = 1.0) -> list[Any]:
        both = texts
        for net in nets:
            both = apply(*both, net, hint, strength, 0.0, 0.8)
        return list(both)

    def composed(**more: Any) -> Any:
        return run_node(
            part("nodes.compose").FaceAInpaintCompose, image=image, mask=mask, model=host[0],
            clip=host[1], vae=host[2], prompt="a man", steps=2, sampler_name="euler",
            scheduler="normal", **more,
        )  # fmt: skip

    def by_hand(nets: Any, hint: Any) -> Any:
        cut = run_node(
            part("nodes.face_crop").FaceAFaceCrop, image=image, mask=mask, size=128, also=hint
        )[3]
        return pasted(*wired(nets, cut))

    def pasted(positive: Any, negative: Any) -> Any:
        sampling, composing = part("nodes.host.sampling"), part("facea_core.composing")
        shown = composing.Crop(crop.movedim(-1, 1), crop_mask[:, None], plan)
        made = sampling.paint_crop(
            host[0], host[2], positive, negative, sampling.Paint(2, 2.0, "euler", "normal", 1.0),
            shown, [0], lambda *_: None,
        )  # fmt: skip
        paste = part("nodes.face_paste").FaceAFacePaste
        return run_node(paste, crop=made.movedim(1, -1), crops=crops, colour_match=1.0)[0]

    one, other, adapter = controlnet(host, 1), controlnet(host, 2), t2i()
    plain = composed()[0]
    found: dict[str, Any] = {"outside": plan.box.y0 < 0 or plan.box.y1 > HIGH}
    chains = {"one": [one], "two": [one, other], "t2i": [adapter]}
    for name, size in (("one", 0.5), ("one", 1), ("one", 2), ("two", 2), ("t2i", 0.5)):
        nets, side = chains[name], (int(HIGH * size), int(WIDE * size))
        hint = torch.nn.functional.interpolate(whole.movedim(-1, 1), side).movedim(1, -1)
        both = wired(nets, hint)
        before = marks(both)
        made = composed(positive=both[0], negative=both[1])[0]
        found[f"{name} {size}"] = {
            "by hand": apart(made, by_hand(nets, hint)),
            "guided": apart(made, plain),
            "carried": apart(made, composed(hints=both[0])[0]),
            "same": before == marks(both),
        }
    again = composed(positive=both[0], negative=both[1])[0]
    found["again"] = apart(made, again)
    where = torch.zeros(1, HIGH, WIDE)
    where[:, 40:80, 16:88] = 1
    areas = {"mask": {"mask": where}, "area": {"area": (40 // 8, 72 // 8, 40 // 8, 16 // 8)}}
    cut = part("facea_core.composing").crop_mask(where[None], plan)[0]
    for name, values in areas.items():
        some = [[texts[0][0][0], values], texts[1][0]]
        here = [[texts[0][0][0], {"mask": cut}], texts[1][0]]
        made = composed(positive=some)[0]
        found[name] = [apart(made, pasted(here, texts[1])), apart(made, plain)]
    left = wired([one], torch.rand(1, 64, 64, 3, generator=generator))
    made = composed(positive=left[0], negative=left[1])
    found["another shape"] = made[4]
    as_is = composed(positive=left[0], negative=left[1], crop_hints="as they are")[0]
    found["as they are"] = apart(made[0], as_is)
    off = still(wired([one], whole)[0][0][1]["control"])
    zero = [[[text[0][0], {**text[0][1], "control": off}]] for text in texts]
    found["strength 0"] = apart(composed(positive=zero[0], negative=zero[1])[0], plain)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n")
