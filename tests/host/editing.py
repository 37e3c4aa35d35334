"""One attribute edited by the core and by the node: part of checks.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from compared import diff
from inside import part, run_node

STEPS, SEED = 8, 5


def edits(core: Any, host: Any, cast: Any, identity: Any) -> dict[str, Any]:
    """Largest differences between core and ComfyUI by the share of the model alone, and others."""
    composing, types = part("facea_core.composing"), part("facea_core.types")
    node, lora = part("nodes.edit").FaceAEdit, part("nodes.lora").FaceALoRALoader
    image = cast.context.image
    face = types.FaceAttributes((128, 128), types.Box(*cast.context.boxes[0]["face"]), 1.0)
    found = types.DetectedFaces("mouth", ((face,),))
    config = composing.ComposeConfig(steps=STEPS, seed=SEED)
    region = composing.edit_target(face, ["mouth"], config)
    loaded = run_node(lora, model=host[0], clip=host[1], identity=identity, file="none")

    def ours(amount: float, person: Any = identity) -> Any:
        change = composing.EditConfig(amount=amount)
        target = replace(region, identity=person)
        target = composing.edited(target, "smiling", ["mouth"], change)
        return composing.compose_identity(image, [target], core, config).image

    def shown(amount: float, model: Any = host[0], clip: Any = host[1], **more: Any) -> Any:
        return run_node(
            node, image=image.movedim(1, -1), model=model, clip=clip, vae=host[2], steps=STEPS,
            seed=SEED, sampler_name="ddim", scheduler="simple", amount=amount, attributes=found,
            **more,
        )  # fmt: skip

    def theirs(amount: float, *wired: Any, **more: Any) -> Any:
        return shown(amount, *wired, **more)[0].movedim(-1, 1)

    changed = shown(1.0, identity=identity)[2]
    outside = (changed[:, None] == 0).expand_as(image)
    made = {amount: theirs(amount, identity=identity) for amount in (0.0, 0.5, 1.0)}
    same = {f"edit {amount:g}": diff(one, ours(amount)) for amount, one in made.items()}
    return {
        **same,
        "edit of anybody": diff(theirs(1.0), ours(1.0, None)),
        "edit with a loader": diff(theirs(1.0, *loaded[:2], identity=identity), made[1.0]),
        "edit again": diff(theirs(1.0, identity=identity), made[1.0]),
        "edit, felt": min(diff(made[0.0], made[0.5]), diff(made[0.5], made[1.0])),
        "edit, outside": diff(made[1.0][outside], image[outside]),
    }
