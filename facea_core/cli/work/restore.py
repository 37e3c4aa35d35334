"""`facea restore`: from a damaged photo and an identity to the repaired photo."""

from __future__ import annotations

from dataclasses import asdict

from ...backbone import inspect_checkpoint, load_backbone
from ...composing import ComposeConfig, TargetFace, check_not_mixed, face_mask, mask_pieces
from ...detection.config import DetectConfig
from ...identity import check_family, load_identity
from ...io.generated_images import save_generated
from ...io.images import load_image, picture_format
from ...restoring.config import RestoreConfig
from ...restoring.restore import restore_faces
from ..restoring import RestoreCommand
from ..talk import hand_over, notes, painting_bar, require_outputs, say
from .compose import read_target_mask
from .detect import detect_named, read_region
from .detectors import open_detector, pick_device


def restore(
    flags: RestoreCommand, config: RestoreConfig, painting: ComposeConfig, detection: DetectConfig
) -> None:
    picture_format(flags.out)
    require_outputs(flags.out, flags.json)
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    identity = load_identity(flags.identity)
    check_family(identity, header.spec.family)
    check_not_mixed([identity], "a photo is restored")
    image, done = load_image(flags.image, longest=None)
    if flags.mask is not None:
        mask, drawn = read_target_mask(flags.mask, image)
        masks, done = mask_pieces(mask, header.spec, painting.context_factor), (*done, *drawn)
    else:
        detector, region = open_detector(flags, flags.device), read_region(flags.region)
        (face,) = detect_named(flags.image, image, detector, detection, region=region)
        assert face is not None  # without a face there is an error
        masks, done = [face_mask(face, painting)], (*done, *face.notes)
    backbone = load_backbone(
        flags.base, pick_device(flags.device), prediction=flags.prediction, vae=flags.vae,
        clip_skip=identity.meta.clip_skip,
    )  # fmt: skip
    faces = [TargetFace(mask, identity, flags.prompt) for mask in masks]
    with painting_bar(painting.steps * len(faces)) as on_step:
        made = restore_faces(image, faces, backbone, config, painting, on_step=on_step)
    save_generated(made.composition.image, flags.out)
    said = [*done, *made.composition.notes]
    faces_json = [
        {"crop": list(plan.box), "damage": asdict(damage), "consistency": round(decibel, 2)}
        for plan, damage, decibel in zip(
            made.composition.plans, made.damages, made.consistency, strict=True
        )
    ]
    hand_over({"image": str(flags.out), "faces": faces_json, "notes": said}, flags.json)
    notes(str(flags.image), said)
    if str(flags.json) != "-":
        say(str(flags.out))
