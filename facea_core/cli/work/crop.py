"""`facea crop` and `facea paste`: faces out of a picture, and back into it."""

from __future__ import annotations

from dataclasses import replace

from ...composing import (
    ComposeConfig,
    TargetFace,
    crop_faces,
    crop_spec,
    face_mask,
    load_crops,
    mask_pieces,
    part_faces,
    paste_faces,
    save_crops,
    wanted_parts,
)
from ...composing.batch import Jobs
from ...detection.config import DetectConfig
from ...detection.found import detect_named
from ...errors import ConfigError
from ...io.generated_images import save_generated
from ...io.images import load_image, picture_format, save_image
from ...io.output_files import require_writable_folder
from ...masks import mask_box
from ...types import Box
from ..cropping import CropCommand, PasteCommand
from ..talk import hand_over, notes, require_outputs, say
from .compose import read_target_mask
from .detect import read_region
from .detectors import open_detector


def crop(flags: CropCommand, config: ComposeConfig, detection: DetectConfig) -> None:
    require_writable_folder(flags.out)
    require_outputs(flags.json)
    image, done = load_image(flags.image, longest=None)
    wanted = wanted_parts(flags.parts)
    if wanted and flags.mask is not None:
        raise ConfigError("--parts are those of a detected face; leave out --mask, or --parts")
    if flags.mask is not None:
        mask, drawn = read_target_mask(flags.mask, image)
        done = (*done, *drawn)
        pieces = mask_pieces(mask, crop_spec(flags.size), config.context_factor)
        faces = [TargetFace(one) for one in pieces]
    else:
        if wanted:
            detection = replace(detection, attributes=", ".join(one.part for one in wanted))
        detector, region = open_detector(flags), read_region(flags.region)
        (face,) = detect_named(flags.image, image, detector, detection, region=region)
        assert face is not None  # without a face there is an error
        faces = [TargetFace(face_mask(face, config))]
        if wanted:
            faces = part_faces(face, wanted, None, {}, config)
        done = (*done, *face.notes)
    made = crop_faces(Jobs.of(image, faces), flags.size, config)
    for number, one in enumerate(made.crops[0], start=1):
        save_image(one.image, flags.out / f"crop-{number}.png")
        save_image(one.mask.expand(-1, 3, -1, -1), flags.out / f"mask-{number}.png")
    save_crops(made, flags.out / "crops.safetensors")
    said = [*done, *made.notes]
    boxes = [list(one.plan.box) for one in made.crops[0]]
    hand_over({"image": str(flags.image), "crops": boxes, "notes": said}, flags.json)
    notes(str(flags.image), said)
    if str(flags.json) != "-":
        say(str(flags.out))


def paste(flags: PasteCommand) -> None:
    picture_format(flags.out)
    require_outputs(flags.out, flags.json)
    image, done = load_image(flags.image, longest=None)
    given = load_crops(flags.crops, image)
    given = replace(given, config=replace(given.config, colour_match=flags.colour_match))
    patches = [load_image(path, longest=None)[0] for path in flags.crop]
    ((_, made),) = paste_faces(given, patches)
    said = [*done, *given.notes, *made.notes]
    save_generated(made.image, flags.out)
    changed = list(mask_box(made.mask) or Box(0, 0, 0, 0))
    hand_over({"image": str(flags.out), "repainted": changed, "notes": said}, flags.json)
    notes(str(flags.image), said)
    if str(flags.json) != "-":
        say(str(flags.out))
