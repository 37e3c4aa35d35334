"""`facea restore`: from a damaged photo and identities to the repaired photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from ...backbone import inspect_checkpoint, load_backbone
from ...composing import ComposeConfig, TargetFace, check_not_mixed, plan_batch
from ...detection.config import EVERY_FACE, DetectConfig
from ...detection.detect import detect_chosen
from ...errors import ConfigError
from ...io.generated_images import save_generated
from ...io.images import load_image, picture_format
from ...io.mask_files import read_mask
from ...restoring.config import RestoreConfig
from ...restoring.people import who_is_who
from ...restoring.recognise import advantage
from ...restoring.repair import DamagedPhoto
from ...restoring.restore import restore_faces, restored_figures
from ...types import BackboneSpec, DetectedFaces, Identity
from ..restoring import RestoreCommand
from ..talk import hand_over, notes, painting_bar, require_outputs, say
from .compose import read_rank, read_target_mask
from .detect import read_region
from .detectors import open_detector, pick_device
from .photos import read_people


def restore(
    flags: RestoreCommand, config: RestoreConfig, painting: ComposeConfig, detection: DetectConfig
) -> None:
    picture_format(flags.out)
    if flags.strip is not None:
        picture_format(flags.strip)
    require_outputs(flags.out, flags.strip, flags.json)
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    people = read_people(flags.identity, header.spec.family)
    if not people:
        raise ConfigError("nobody is known who is to be restored; give --identity files")
    check_not_mixed(people, "a photo is restored")
    image, done = load_image(flags.image, longest=None)
    faces, said = _faces(flags, image, people, painting, detection, header.spec)
    photo, more = _photo(flags, image)
    backbone = load_backbone(
        flags.base, pick_device(flags.device), prediction=flags.prediction, vae=flags.vae,
        clip_skip=people[0].meta.clip_skip,
    )  # fmt: skip
    said = [*done, *more, *said]
    if flags.match:
        faces, who = who_is_who(
            photo, faces, people, partial(advantage, backbone=backbone), header.spec,
            painting.context_factor,
        )  # fmt: skip
        said += who
    rank = read_rank(flags.references, header.spec.family)
    with painting_bar(painting.steps_of_face * len(faces)) as on_step:
        made = restore_faces(photo, faces, backbone, config, painting, on_step, rank)
    save_generated(made.composition.image, flags.out)
    if flags.strip and made.strips:
        save_generated(torch.cat(made.strips, dim=2), flags.strip)
    said += made.composition.notes
    hand_over({"image": str(flags.out), **restored_figures(made), "notes": said}, flags.json)
    notes(str(flags.image), said)
    if str(flags.json) != "-":
        say(str(flags.out))


def _faces(
    flags: RestoreCommand, image: Tensor, people: Sequence[Identity], painting: ComposeConfig,
    detection: DetectConfig, spec: BackboneSpec,
) -> tuple[Sequence[TargetFace], list[str]]:  # fmt: skip
    """The faces of the photo, each with its identity unless they are to be matched, and notes."""
    masks = found = None
    said: list[str] = []
    if flags.mask is not None:
        mask, drawn = read_target_mask(flags.mask, image)
        masks, said = [mask], list(drawn)
    else:
        if (len(people) > 1 or flags.match) and not detection.faces:
            detection = replace(detection, face_index=EVERY_FACE, face_order="left-to-right")
        region = read_region(flags.region)
        seen = detect_chosen(
            [image], open_detector(flags, flags.device), detection,
            regions=None if region is None else [region],
        )  # fmt: skip
        found = DetectedFaces(str(detection.attributes), seen)
        said = [note for face in seen[0] for note in face.notes]
    jobs, more = plan_batch(
        [image], masks, found, [None] if flags.match else people, painting, spec, flags.prompt
    )
    return jobs[0].faces, [*said, *more]


def _photo(flags: RestoreCommand, image: Tensor) -> tuple[DamagedPhoto, list[str]]:
    """What is known of the photo, and notes."""
    scratches = cleaned = None
    said: list[str] = []
    if flags.scratches is not None:
        scratches, drawn = read_mask(flags.scratches)
        said += drawn
    if flags.pre_cleaned is not None:
        cleaned, drawn = load_image(flags.pre_cleaned, longest=None)
        said += drawn
    return DamagedPhoto(image, scratches=scratches, cleaned=cleaned), said
