"""A damaged photo repaired by the core and by the node, in one process: part of checks.py."""

from __future__ import annotations

import json
from typing import Any

from compared import diff
from inside import part, run_node

STEPS, SEED = 6, 5


def restores(core: Any, host: Any, cast: Any, identity: Any) -> dict[str, Any]:
    """Largest differences between core and ComfyUI by fidelity, and what else must hold."""
    composing, types = part("facea_core.composing"), part("facea_core.types")
    config = part("facea_core.restoring.config")
    degrade, room = part("facea_core.restoring.degrade"), part("facea_core.restoring")
    node = part("nodes.restore").FaceARestore
    clean = cast.photos.image[:1]
    photo = degrade.enlarged(degrade.degrade(clean, degrade.LEVELS["middle"], 3), (128, 128))
    face = types.FaceAttributes((128, 128), types.Box(*cast.photos.boxes[0]["face"]), 1.0)
    found = types.DetectedFaces("face", ((face,),))
    painting = composing.ComposeConfig(steps=STEPS, seed=SEED)
    targets = [composing.TargetFace(composing.face_mask(face, painting), identity)]
    patches = {key: list(some) for key, some in host[0].patches.items()}

    def ours(**settings: Any) -> Any:
        how = config.RestoreConfig(**settings)
        return room.restore_faces(room.DamagedPhoto(photo), targets, core, how, painting)

    def shown(**more: Any) -> Any:
        return run_node(
            node, image=photo.movedim(1, -1), model=host[0], clip=host[1], vae=host[2],
            identity=identity, steps=STEPS, seed=SEED, sampler_name="ddim", scheduler="simple",
            attributes=found, **more,
        )  # fmt: skip

    known = room.DamagedPhoto(photo).repair(
        composing.Crop(photo, targets[0].mask, composing.plan_crop(targets[0].mask, core.spec)),
        config.RestoreConfig(),
    )
    asked = known.crop, known.evidence, identity
    studio = part("nodes.host.painting").Studio(
        *host, part("nodes.host.sampling").Paint(1, 1.0, "ddim", "simple", 1.0), [identity], 1.0, ""
    )
    cases = ({}, {"fidelity": 0.0}, {"scale": 2}, {"strength": 1.0})
    made = [(shown(**case), ours(**case)) for case in cases]
    plain, (first, core_made) = made[0][0], made[0]
    report = json.loads(first[4])
    outside = (first[2][:, None] == 0).expand_as(photo)
    return {
        **{f"restored, {case}": diff(theirs[0].movedim(-1, 1), own.composition.image)
           for case, (theirs, own) in zip(cases, made, strict=True)},
        "strip": diff(first[1].movedim(-1, 1), core_made.strips[0]),
        "advantage": abs(studio.advantage(*asked) - room.advantage(*asked, core)),
        "restored again": diff(shown()[0], plain[0]),
        "restored, outside": diff(plain[0].movedim(-1, 1)[outside], photo[outside]),
        "consistency": abs(
            report["pictures"][0]["faces"][0]["consistency"] - core_made.faces[0].consistency
        ),
        "model": float({key: list(some) for key, some in host[0].patches.items()} != patches),
    }  # fmt: skip
