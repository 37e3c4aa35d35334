"""`facea compose`: from an image and an identity to the finished image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from torch import Tensor

from ...backbone import Backbone, inspect_checkpoint, load_backbone, load_control
from ...composing import (
    ComposeConfig,
    Control,
    Rank,
    TargetFace,
    check_not_mixed,
    compose_identity,
    face_mask,
    mask_pieces,
    mixed_faces,
    mixed_parts,
    part_faces,
    wanted_parts,
)
from ...detection.config import DetectConfig
from ...detection.found import detect_named, smear_note
from ...errors import ConfigError, MaskError, quoted
from ...identity import mix_people
from ...identity.adapters import merged_lora
from ...io.generated_images import save_generated
from ...io.images import LOSSY, check_mask, load_image, picture_format
from ...io.mask_files import read_mask
from ...masks import mask_box
from ...selection import part_finder, person_rank, tools_for
from ...sliders.file import read_lora, slider_layers
from ...types import Box, Composition, FaceAttributes, LoraWeights
from ..painting import Compose, EditCommand
from ..talk import hand_over, note, notes, painting_bar, require_outputs, say
from .detect import read_only, read_region
from .detectors import open_detector, pick_device
from .photos import read_faces, read_people


def compose(flags: Compose, config: ComposeConfig, detection: DetectConfig) -> None:
    picture_format(flags.out)
    require_outputs(flags.out, flags.json)
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    people = read_people((flags.identity, *flags.others), header.spec.family)
    identity = mix_people(people, flags.mix) if flags.mix.strip() else people[0]
    sliders = read_sliders(flags.slider, flags.slider_strength)
    device = pick_device(flags.device)
    image, done = load_image(flags.image, longest=None)
    by_name = {one.name: one for one in (*people, identity)}
    wanted = wanted_parts(flags.parts, tuple(by_name))
    if wanted:
        check_not_mixed([identity], "--parts are given")
    if wanted and flags.mask is not None:
        raise ConfigError("--parts are those of a detected face; leave out --mask, or --parts")
    find = None
    if flags.mask is not None:
        check_not_mixed([identity], "--mask is given")
        (mask, drawn), face = read_target_mask(flags.mask, image), None
        done = (*done, *drawn)
    else:
        detector = open_detector(flags, flags.device)
        region = read_region(flags.region)
        find = part_finder(detector)
        if parts := [*(one.part for one in wanted), *mixed_parts([identity])]:
            detection = replace(detection, attributes=", ".join(parts))
        only = read_only("--over", flags.over, detector)
        (face,) = detect_named(flags.image, image, detector, detection, region=region, only=only)
        assert face is not None  # without a face there is an error
        mask = face_mask(face, config)
    backbone = load_backbone(
        flags.base, device, prediction=flags.prediction, vae=flags.vae,
        clip_skip=identity.meta.clip_skip,
    )  # fmt: skip
    control = read_control(flags, backbone)
    rank = read_rank(flags.references, backbone.spec.family)
    if rank and config.candidates == 1:
        note("--references: there is nothing to choose among with --candidates 1")
        rank = None
    if wanted and face is not None:
        faces = part_faces(face, wanted, identity, by_name, config, flags.prompt)
    elif identity.parts and face is not None:
        faces = mixed_faces(face, identity, config, flags.prompt, find)
    else:
        masks = mask_pieces(mask, backbone.spec, config.context_factor)
        if masks[1:]:
            done = (*done, f"the mask shows {len(masks)} places, each with its own crop")
        faces = [TargetFace(one, identity) for one in masks]
    if flags.keep is not None:
        keep, drawn = read_mask(flags.keep)
        keep, done = check_mask(keep, image), (*done, *drawn)
        faces = [replace(face, keep=keep) for face in faces]
    with (
        with_sliders(backbone, sliders),
        painting_bar(config.steps_of_face * len(faces)) as on_step,
    ):
        made = compose_identity(
            image, faces, backbone, config, flags.prompt, on_step, rank, control
        )
    hand_out(flags, made, face, done, backbone.spec.family)


def read_target_mask(path: Path, image: Tensor) -> tuple[Tensor, tuple[str, ...]]:
    """The mask (1, 1, H, W) of where to paint and its notes; MaskError if black."""
    mask, drawn = read_mask(path)
    mask = check_mask(mask, image)
    if not mask.any():
        raise MaskError(f"{path} is black all over, so nothing would be painted; paint "
                        "it white where the person shall be")  # fmt: skip
    return mask, drawn


def hand_out(
    flags: Compose | EditCommand,
    made: Composition,
    face: FaceAttributes | None,
    done: Sequence[str],
    family: str,
) -> None:
    """The finished picture written, and what is to be said of it."""
    said = [*done, *(face.notes if face else ()), *made.notes]
    said += smear_note(family, [face])
    if picture_format(flags.out) == LOSSY:
        said.append(f"{flags.out.suffix} changes pixels outside the mask too, a little; .png and "
                    ".webp keep them")  # fmt: skip
    save_generated(made.image, flags.out)
    figures = {
        "image": str(flags.out),
        "face": list(face.face) if face else None,
        "crops": [list(plan.box) for plan in made.plans],
        "repainted": list(mask_box(made.mask) or Box(0, 0, 0, 0)),
        "candidates": [asdict(choice) for choice in made.choices],
        "notes": said,
    }
    hand_over(figures, flags.json)
    notes(str(flags.image), said)
    if str(flags.json) != "-":
        say(str(flags.out))


Sliders = Sequence[tuple[str, Mapping[str, LoraWeights], float]]
"""(name, LoRA by kohya's layer names, strength) of each."""


def read_sliders(paths: Sequence[Path], strengths: str) -> Sliders:
    """The files, each at its strength. Raises ConfigError for other than one number, or as many."""
    try:
        numbers = [float(one) for one in strengths.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        numbers *= len(paths)
    if len(numbers) != len(paths) or any(not -4 <= one <= 4 for one in numbers):
        raise ConfigError(
            f"--slider-strength is {quoted(strengths)} for {len(paths)} sliders; give one number "
            "from -4 to 4, or one for each with commas"
        )
    return [(path.name, read_lora(path), one) for path, one in zip(paths, numbers, strict=True)]


@contextmanager
def with_sliders(backbone: Backbone, sliders: Sliders) -> Iterator[None]:
    """The model with all of them merged into it."""
    with ExitStack() as merged:
        for name, lora, strength in sliders:
            layers = slider_layers(lora, backbone.unet, name)
            merged.enter_context(merged_lora(backbone.unet, layers, strength))
        yield


def read_control(flags: Compose, backbone: Backbone) -> tuple[Control, ...]:
    """The ControlNet with its hint, if any. Raises ConfigError for one without the other."""
    if flags.control is None and flags.hint is None:
        return ()
    if flags.control is None or flags.hint is None:
        given, lacking = (
            ("--hint", "--control") if flags.control is None else ("--control", "--hint")
        )
        raise ConfigError(f"{given} is of no use without {lacking}; give both")
    hint, said = load_image(flags.hint, longest=None)
    notes("--hint", said)
    network = load_control(flags.control, backbone)
    return (Control(network, hint, flags.control_strength, end=flags.control_end),)


def read_rank(paths: Sequence[Path], family: str) -> Rank | None:
    """What likes a face the better the more it is like those in the photos; None without any."""
    if not paths:
        return None
    detector, embedder = tools_for(family)
    return person_rank(read_faces("--references", paths, detector), detector, embedder)
