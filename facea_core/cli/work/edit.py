"""`facea edit`: from a picture and a text to the edited picture."""

from __future__ import annotations

from dataclasses import replace

from ...backbone import inspect_checkpoint, load_backbone
from ...composing import (
    ComposeConfig,
    EditConfig,
    TargetFace,
    compose_identity,
    edit_target,
    edited,
    edited_parts,
    mask_pieces,
)
from ...detection.config import DetectConfig
from ...detection.found import detect_named
from ...errors import NoFaceError
from ...identity import check_family, load_identity
from ...io.images import load_image, picture_format
from ..painting import EditCommand
from ..talk import notes, painting_bar, require_outputs
from .compose import hand_out, read_target_mask
from .detect import read_region
from .detectors import open_detector, pick_device


def edit(
    flags: EditCommand, change: EditConfig, config: ComposeConfig, detection: DetectConfig
) -> None:
    picture_format(flags.out)
    require_outputs(flags.out, flags.json)
    parts = edited_parts(flags.edit, flags.parts, masked=flags.mask is not None)
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    identity = None
    if flags.identity is not None:
        identity = load_identity(flags.identity)
        check_family(identity, header.spec.family)
    device = pick_device(flags.device)
    image, done = load_image(flags.image, longest=None)
    face, targets = None, []
    if flags.mask is not None:
        mask, drawn = read_target_mask(flags.mask, image)
        done = (*done, *drawn)
        targets += map(TargetFace, mask_pieces(mask, header.spec, config.context_factor))
    else:
        # Glasses lie where the eyes are, seen or not.
        detection = replace(detection, attributes=", ".join(dict.fromkeys(("eyes", *parts))))
        detector, region = open_detector(flags, flags.device), read_region(flags.region)
        (face,) = detect_named(flags.image, image, detector, detection, region=region)
        if face is None or face.score == 0:
            raise NoFaceError(
                f"{flags.image}: no face found; use a picture in which it is upright and lit, "
                "lower --face-threshold, or give --mask"
            )
        targets.append(edit_target(face, parts, config))
    skip = 0 if identity is None else identity.meta.clip_skip
    backbone = load_backbone(
        flags.base, device, prediction=flags.prediction, vae=flags.vae, clip_skip=skip
    )
    faces = [edited(replace(one, identity=identity), flags.edit, parts, change) for one in targets]
    with painting_bar(config.steps_of_face * len(faces)) as on_step:
        made = compose_identity(image, faces, backbone, config, on_step=on_step)
    hand_out(flags, made, face, done, backbone.spec.family)
