"""The whole of FaceA on synthetic people: detect, train, compose and evaluate, one call.

Everything is drawn from the seed, so two runs write the same identity, byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from torch import Tensor

from ..backbone import load_backbone
from ..composing import PREVIEW, ComposeConfig, compose_identity, face_mask, inpaint
from ..detection.detect import DetectConfig, detect_attributes
from ..detection.load import load_detector
from ..detection.preview import draw_faces
from ..evaluation import Metrics, TinyEmbedder, evaluate_identity, face_photo
from ..identity import Subject, save_identity
from ..io.figures import Sheet, Tile, draw_sheet
from ..io.generated_images import save_generated
from ..io.output_files import require_writable_folder, staged, write_json
from ..training import TrainConfig, face_previewer, preview_every, train_identity
from ..types import Box, Composition, Photo, StepReport
from .cast import Cast, draw_cast

NAME = "person"
HAIR_ROOM = 0.4
"""In the outline of the other one's head, many synthetic people have no place for their hair."""

OnProgress = Callable[[str, int, int], None]
"""Called with (stage, done, total). To cancel, raise."""


def run_demo(
    out: str | Path,
    *,
    seed: int = 0,
    steps: int | None = None,
    on_progress: OnProgress | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Runs everything and writes sheet.png, result.png, identity.safetensors and report.json.

    All four files appear together at the end, or none. `steps` None = the preset's; `changes` are
    other settings of training that differ from it. Returns what report.json holds. Raises
    AssetError at once if `out` cannot be written.
    """
    require_writable_folder(out)
    config = TrainConfig.from_preset("tiny", seed=seed, **changes)
    config = replace(config, steps=config.steps if steps is None else steps)
    config = replace(config, preview_every=preview_every(config.steps, 8))
    clock = _Clock(on_progress or (lambda stage, done, total: None))

    with clock.stage("load"):
        backbone = load_backbone("tiny")
        detector, embedder = load_detector("tiny"), TinyEmbedder()
        cast = draw_cast(seed, backbone.spec.resolution)
    config = replace(config, attributes=", ".join(cast.attributes))

    with clock.stage("detect"):
        images = cast.photos.image.split(1)
        # A part that is not found in one photo is learned from the others.
        asked = DetectConfig(config.attributes, on_missing="pass")
        found = detect_attributes(images, detector, asked)
        photos = [
            Photo(image, face, f"photo {i + 1}")
            for i, (image, face) in enumerate(zip(images, found, strict=True))
            if face is not None
        ]
        (target,) = detect_attributes([cast.context.image], detector, DetectConfig("face"))
        assert target is not None  # without a face there is an error
        context = Photo(cast.context.image, target, "context")

    settings = ComposeConfig(seed=seed, hair_room=HAIR_ROOM)
    subject = Subject(NAME, cast.noun)
    previewer = face_previewer(inpaint, PREVIEW, context, backbone, config, subject=subject)
    reports: list[StepReport] = []
    with clock.stage("train") as advance:

        def on_step(report: StepReport) -> None:
            reports.append(report)
            advance(report.step, report.total)

        identity = train_identity(
            photos, backbone, config, subject, on_step=on_step, previewer=previewer
        )

    with clock.stage("compose") as advance:
        mask = face_mask(target, settings)
        plain = f"a photo of a {cast.noun}"
        before = compose_identity(
            context.image, [(mask, None)], backbone, settings, plain, on_step=advance
        )
        after = compose_identity(
            context.image, [(mask, identity)], backbone, settings, on_step=advance
        )

    with clock.stage("evaluate"):
        heldout = [
            face_photo(image[None], Box(*boxes["face"]))
            for image, boxes in zip(cast.heldout.image, cast.heldout.boxes, strict=True)
        ]
        # Where the painter puts this person's face: the other one's ends at another hairline, and a
        # crop by that box would show even the painter's own answer at a scale never compared.
        place = Box(*cast.answer.boxes[0]["face"])
        scores = [
            evaluate_identity([face_photo(made.image, place)], photos, heldout, embedder)
            for made in (before, after)
        ]
        figures = _figures(scores[0], scores[1], after, context.image)
    identity = replace(identity, meta=replace(identity.meta, scores=figures))

    with clock.stage("write"), staged(out) as stage:
        proof = save_identity(identity, stage / "identity.safetensors")
        save_generated(after.image, stage / "result.png")
        sheet = _sheet(cast, photos, context, before, after, reports, figures, config)
        save_generated(draw_sheet(sheet), stage / "sheet.png")
        result = {
            "seed": seed,
            "steps": config.steps,
            "person": cast.person,
            **figures,
            "saved": proof,
            "notes": [*before.notes, *after.notes],
            "seconds": clock.seconds(),
        }
        write_json(result, stage / "report.json")
    return result


class _Clock:
    """Times the stages and tells how far each is."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._began = perf_counter()
        self._spent: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[int, int], None]]:
        began = perf_counter()
        self._on_progress(name, 0, 0)
        try:
            yield lambda done, total: self._on_progress(name, done, total)
        finally:
            self._spent[name] = perf_counter() - began

    def seconds(self) -> dict[str, float]:
        spent = {**self._spent, "total": perf_counter() - self._began}
        return {name: round(value, 2) for name, value in spent.items()}


def _figures(
    before: Metrics, after: Metrics, made: Composition, original: Tensor
) -> dict[str, float]:
    """The plain numbers of the report; see `evaluate_identity` for what they mean."""
    outside = (made.image - original).abs()[(made.mask == 0).expand_as(original)]
    figures = {
        "identity_before": before.training,
        "identity_after": after.training,
        "heldout_before": before.heldout,
        "heldout_after": after.heldout,
        "copy_paste": after.copy_paste,
        "outside_mask_max_abs_diff": float(outside.max()) if len(outside) else math.nan,
    }
    return {name: round(value, 6) for name, value in figures.items()}


def _sheet(
    cast: Cast,
    photos: list[Photo],
    context: Photo,
    before: Composition,
    after: Composition,
    reports: list[StepReport],
    figures: dict[str, float],
    config: TrainConfig,
) -> Sheet:
    gain = figures["heldout_after"] - figures["heldout_before"]
    return Sheet(
        title="FaceA: three photos, one person, another picture",
        subtitle=f"{cast.person}  ·  facea-tiny, {config.steps} steps, seed {config.seed}",
        photos=[
            Tile(
                draw_faces(photo.image, [photo.attributes], names=False),
                ", ".join(("face", *photo.attributes.attributes)),
            )
            for photo in photos
        ],
        heldout=[Tile(image[None]) for image in cast.heldout.image],
        pictures=[
            Tile(
                draw_faces(context.image, [context.attributes], names=False),
                "a picture of somebody else",
            ),
            Tile(before.image, "repainted before training"),
            Tile(after.image, "repainted after training"),
            Tile(cast.answer.image, "how the painter would paint it"),
        ],
        previews=[
            Tile(report.previews[:1], f"step {report.step}")
            for report in reports
            if report.previews is not None
        ],
        losses=[(report.step, report.loss) for report in reports],
        scores=[
            ("likeness to the three photos, before", f"{figures['identity_before']:.2f}"),
            ("after", f"{figures['identity_after']:.2f}"),
            ("likeness to the other photos, before", f"{figures['heldout_before']:.2f}"),
            ("after", f"{figures['heldout_after']:.2f}"),
            ("gain", f"{gain:+.2f}"),
            ("copy-paste (near 0 = no copy of a photo)", f"{figures['copy_paste']:+.2f}"),
            ("largest change outside the mask", f"{figures['outside_mask_max_abs_diff']:g}"),
        ],
    )
