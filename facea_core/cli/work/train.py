"""`facea train`: from photos to the identity file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from ...audit import AuditConfig
from ...audit.learnable import audited_photos, found_photos, named_photos
from ...backbone import inspect_checkpoint, load_backbone
from ...backbone.load import default_dtype
from ...detection.config import DetectConfig
from ...detection.found import smear_note, so_many
from ...detection.user_masks import read_own_masks
from ...errors import TrainingError
from ...identity import Subject, person_name, save_identity, start_notes, vocabularies
from ...io.output_files import require_writable_folder
from ...io.photos import photos_of
from ...training import (
    TrainConfig,
    check_channels,
    free_memory,
    plan_training,
    require_room,
    train_identity,
)
from ...training.state import STATE_FILE
from ...types import Photo, StepReport
from ..forms import Train
from ..talk import bar, hand_over, note, notes, require_outputs, say, training_bar
from .detectors import open_detector, pick_device


def train(
    flags: Train,
    training: TrainConfig,
    detection: DetectConfig,
    audit: AuditConfig,
    arguments: Sequence[str],
) -> None:
    """`arguments` are what the flags were read from, to say how to go on where it is stopped."""
    flags = replace(flags, photos=photos_of(flags.photos))
    detection = replace(detection, attributes=training.attributes)

    # Everything that can be wrong is found out before the minutes of work.
    name, named = person_name(flags.name)
    flags = replace(flags, name=name)
    notes("--name", named)
    out = flags.out or Path(f"{flags.name}.safetensors")
    require_outputs(out, flags.json)
    if flags.run is not None:
        require_writable_folder(flags.run)
    if flags.resume and flags.run is None:
        raise TrainingError("--resume needs --run DIR, the directory of the run that was stopped")
    header = inspect_checkpoint(flags.base, prediction=flags.prediction, vae=flags.vae)
    notes("--base", header.notes)
    check_channels(header.spec, training)
    device = pick_device(flags.device)
    plan = plan_training(header.spec, training, default_dtype(device), free_memory(device))
    note(str(plan))
    require_room(plan, device)
    audit = replace(audit, resolution=plan.resolution)
    photos, bare = load_photos(flags, detection, audit.policy)
    notes("--base", smear_note(header.spec.family, [photo.attributes for photo in photos]))
    photos = audited_photos(photos, detection.table, audit, note)
    photos = named_photos(photos, bare, note)
    some = so_many(len(photos), len(flags.photos)) if len(photos) < len(flags.photos) else ""
    if some:
        note(f"learning from {some}")
    backbone = load_backbone(
        flags.base, device, prediction=flags.prediction, vae=flags.vae, clip_skip=flags.clip_skip
    )
    starts = [flags.class_noun, *(one.name for one in training.table)]
    notes("--base", start_notes(starts, vocabularies(backbone)))

    began, losses, how = perf_counter(), [], {"plan": plan.line(), "mode": ""}
    try:
        with training_bar(training.steps) as (show, on_encode):

            def on_step(report: StepReport) -> None:
                losses.append((report.step, round(report.loss, 6)))
                how.update(plan=report.plan, mode=report.mode)
                show(report)

            identity = train_identity(
                photos,
                backbone,
                training,
                Subject(flags.name, flags.class_noun),
                on_step=on_step,
                on_encode=on_encode,
                run_dir=flags.run,
                resume=flags.resume,
                plan=plan,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(how_to_go_on(arguments, flags.run)) from None
    proof = save_identity(identity, out)
    figures = {
        "identity": str(out),
        "saved": proof,
        "prompt": identity.meta.prompt,
        "steps": identity.meta.steps,
        "seconds": round(perf_counter() - began, 2),
        **how,
        "losses": losses,
    }
    hand_over(figures, flags.json)
    if str(flags.json) != "-":
        say(f"saved {out} ({out.stat().st_size / 1e6:.1f} MB)")
        if some:
            say(f"learned from {some}")
        say(f"prompt: {identity.meta.prompt}")


def load_photos(
    flags: Train, config: DetectConfig, policy: str
) -> tuple[list[Photo], dict[Photo, Path]]:
    """The photos with their faces, and the files of those without a caption, as `found_photos`."""
    own = read_own_masks(flags.photos, flags.own_masks) if flags.own_masks else None
    with bar("detecting", len(flags.photos), "photo") as shown:
        return found_photos(
            flags.photos, open_detector(flags), config, policy, note,
            captions=flags.captions, own=own, on_photo=shown.update,
        )  # fmt: skip


def how_to_go_on(arguments: Sequence[str], run_dir: Path | None) -> str:
    if run_dir is None:
        return "stopped; nothing was saved, for there was no --run DIR"
    if not (run_dir / STATE_FILE).exists():
        return "stopped before there was anything to save"
    words = [word for word in arguments if word not in ("--resume", "--no-resume")]
    return f"stopped; go on with: {shlex.join(['facea', 'train', *words, '--resume'])}"
