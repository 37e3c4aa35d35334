"""FaceA Train Folder: everybody of whom there is a folder of photos, each learned once."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from comfy_api.latest import io, ui

from ..facea_core import composing, identity, identity_store, people, training
from ..facea_core.audit import AuditConfig
from ..facea_core.detection.config import DETECTORS, DetectConfig
from ..facea_core.engines import Serial
from ..facea_core.errors import ImageError, TrainingError
from ..facea_core.io.images import load_image
from ..facea_core.settings import check_text, read_settings, under_new_names
from ..facea_core.training import TrainConfig
from ..facea_core.training.earlier import RENAMED
from .host import (
    AUTO,
    Cancelled,
    PeopleProgress,
    chosen_config,
    elsewhere,
    field_input,
    identities_folders,
    image_out,
    input_folder,
    is_wired,
    left_out,
    make_room,
    model_to_train,
    open_detector,
    own_choices,
    plain_numbers,
    preset_input,
    relative_name,
    runs_folder,
    say,
    schema,
    spec_of,
    training_backbone,
    training_hash,
)
from .host.schema import IDENTITY

IDENTITIES = 0
"""Which output they are."""

_LOG = logging.getLogger(__name__)
_FINE = ("words", "detector", "on_missing", "previews", "settings")


class FaceATrainFolder(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        steps = field_input(TrainConfig, "steps", default=0, min=0)
        steps.tooltip = "Optimiser steps for each person. 0 = the preset's own value."
        words = field_input(TrainConfig, "attributes", id="words")
        words.tooltip = (
            "Parts that get a learned word: male, female, face-male, face-female, or names with "
            "commas, such as eyes, nose, beard."
        )
        return schema(
            node_id="FaceATrainFolder",
            display_name="FaceA Train Folder (train everybody)",
            category="FaceA",
            description="Trains everybody of whom there is a folder of photos, one after the "
            "other, and saves an identity of each. Whoever was trained before is found, who "
            "cannot be trained is reported, and a stopped run goes on where it was.",
            search_aliases=["train all", "many people", "batch train", "dataset of people"],
            is_output_node=True,
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            advanced=_FINE,
            inputs=[
                *model_to_train(),
                io.String.Input(
                    "folder", default="people",
                    tooltip="A folder in ComfyUI's input folder, or the full path of any other, "
                    "with a folder of photos for each person, who is called as it is.",
                ),
                io.String.Input(
                    "class_noun", default="person",
                    tooltip="Class noun of everybody without a file class.txt beside the photos: "
                    "man, woman, child …",
                ),
                preset_input(),
                steps,
                field_input(TrainConfig, "seed", control_after_generate=False),
                field_input(AuditConfig, "policy"),
                words,
                io.Combo.Input(
                    "detector", options=list(DETECTORS), default=AUTO,
                    tooltip="mesh (or landmarks, if installed): photographs. tiny: synthetic "
                    "faces. grounding-dino: any part of any face. auto: the first "
                    "available one that finds a face.",
                ),
                field_input(DetectConfig, "on_missing", default="skip"),
                io.Int.Input(
                    "previews", default=4, min=0, max=64,
                    tooltip="Number of preview images of each person; fewer if they would take "
                    "more than 5 % of the time (10 % on a CPU). 0 = none.",
                ),
                io.String.Input(
                    "settings", default="", multiline=True,
                    tooltip='Other training settings, as JSON: {"rank": 16}.',
                ),
                io.Boolean.Input(
                    "captions", default=False, optional=True,
                    tooltip="Name what is a photo's and not the person's: what photo.txt beside "
                    "photo.jpg says, else what is seen: smiling, an open mouth, glasses "
                    "that not all photos show, black and white.",
                ),
            ],
            outputs=[
                IDENTITY.Output(
                    display_name="identities", is_output_list=True,
                    tooltip="The identities, for other FaceA nodes, which run once for each.",
                ),
                io.String.Output(
                    display_name="names", is_output_list=True,
                    tooltip="The name of each, in the same order.",
                ),
                io.Image.Output(
                    display_name="previews", is_output_list=True,
                    tooltip="The preview images of each, in the same order.",
                ),
                io.String.Output(
                    display_name="table", tooltip="What became of everybody, as readable text."
                ),
                io.String.Output(
                    display_name="report", tooltip="The same and more, as JSON."
                ),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("preset", "policy", "detector", "on_missing")

    @classmethod
    def fingerprint_inputs(cls, folder: str | None = None, **_: Any) -> str | float:
        # Of a wired folder the name is not told here; NaN is never what it was.
        if not isinstance(folder, str):
            return float("nan")
        return people.people_fingerprint(input_folder(folder))

    @classmethod
    @plain_numbers
    def execute(
        cls, model: Any, clip: Any, vae: Any, folder: str, class_noun: str, preset: str,
        steps: int, seed: int, policy: str, words: str, detector: str, on_missing: str,
        previews: int, settings: str, captions: bool = False,
    ) -> io.NodeOutput:  # fmt: skip
        spec, (home, *others) = spec_of(model), identities_folders()
        asked = {"attributes": words, "seed": seed, **({"steps": steps} if steps else {})}
        config = chosen_config(
            spec, preset, previews, **asked | under_new_names(read_settings(settings), RENAMED)
        )
        resolution = config.resolution or spec.resolution
        detection = DetectConfig(config.attributes, on_missing=on_missing)
        audit = AuditConfig(policy, resolution)
        everybody = people.people_in(input_folder(check_text("folder", folder)), class_noun)
        searcher = open_detector(detector, AUTO, cls.hidden.unique_id)
        weights, notes = training_hash(model, clip, vae), elsewhere(home)
        able = sum(not person.problem for person in everybody)
        shown = PeopleProgress(able, config.steps, cls.hidden.unique_id)

        with ExitStack() as stack:
            learners: list[people.Learner] = []

            def learner() -> people.Learner:
                """The model is copied for the first who was not trained before."""
                if not learners:
                    room = make_room()
                    plan = training.plan_training(spec, config, room.dtype, room.free)
                    training.require_room(plan, room.device)
                    shown.say(f"{config.line()}; {plan.line()}; copying the model …")
                    notes.extend(filter(None, [training.launch_note(room.device)]))
                    backbone = stack.enter_context(training_backbone(model, clip, vae, room))
                    stack.callback(learners.clear)
                    notes.extend(backbone.notes)
                    learners.append(
                        people.Learner(
                            backbone, searcher, plan, home, config, detection, audit,
                            on_step=shown.step, on_tick=shown.tick, on_encode=shown.encode,
                            painter=_painter(backbone, config, shown.progress.alive),
                            runs=runs_folder(), also=tuple(others),
                        )
                    )  # fmt: skip
                return learners[0]

            def learn(person: people.PersonFolder) -> people.Learned:
                shown.begin(person.name)
                read = people.read_person(
                    person, searcher, detection, audit, spec.family,
                    captions=captions, alive=shown.progress.alive,
                )  # fmt: skip
                origin = training.Origin.of(read.photos, weights, config, read.subject)
                found = identity_store.find_trained(
                    read.photos, origin, home, resolution, also=others
                )
                return learner().learn(read) if found is None else read.learned(found)

            done: dict[str, people.Learned] = {}
            try:
                engine = Serial(cancels=(Cancelled,))
                for one in people.train_everybody(everybody, lambda: learn, engine):
                    done[one.folder] = one
                    _LOG.info("FaceA, %s: %s", one.name, people.learned_line(one))
            except Cancelled:
                shown.stopped()
                raise
        became = [done[str(person.folder)] for person in everybody]
        _require_somebody(became)
        learned = [one for one in became if one.file]
        sheets = [
            image_out([_sheet(one, person.photos)])
            for one, person in zip(became, everybody, strict=True)
            if one.file
        ]
        became = [_as_listed(one) for one in became]
        report = {
            **Counter(one.state for one in became),
            "people": [one.to_dict() for one in became],
            "settings": config.line(),
            "notes": notes,
        }
        line = "; ".join([people.people_line(became), config.line(), *notes])
        say(line, cls.hidden.unique_id)
        pictures = [ui.PreviewImage(sheet, cls=cls).as_dict()["images"] for sheet in sheets]
        return io.NodeOutput(
            cls._identities(learned),
            [one.name for one in learned],
            sheets,
            people.people_table(became),
            json.dumps(report, indent=2),
            ui={"images": list(chain.from_iterable(pictures)), "text": [line], "facea": [report]},
        )

    @classmethod
    def _identities(cls, learned: Sequence[people.Learned]) -> list[Any]:
        """Many are larger than memory: read where somebody takes them."""
        if is_wired(cls.hidden.prompt, cls.hidden.unique_id, IDENTITIES):
            return [identity.load_identity(one.file) for one in learned]
        return [left_out("identities", sum(Path(one.file).stat().st_size for one in learned))]


def _painter(
    backbone: Any, config: TrainConfig, alive: Callable[..., None]
) -> Callable[[people.Read], training.Previewer]:
    def paint(read: people.Read) -> training.Previewer:
        return training.face_previewer(
            composing.inpaint, composing.PREVIEW, read.photos[0], backbone, config,
            subject=read.subject, on_step=alive,
        )  # fmt: skip

    return paint


def _as_listed(one: people.Learned) -> people.Learned:
    """With its file as LoRA lists call it."""
    return replace(one, file=relative_name(Path(one.file))) if one.file else one


def _sheet(one: people.Learned, photos: Sequence[Path]) -> torch.Tensor:
    """What was painted while somebody was learned, or a photo where that was tidied away."""
    for path in (Path(one.file).with_suffix(".jpg"), *photos):
        try:
            return load_image(path)[0]
        except ImageError:
            continue
    return torch.zeros(1, 3, 64, 64)  # everything went away meanwhile


def _require_somebody(became: Sequence[people.Learned]) -> None:
    if any(one.file for one in became):
        return
    first, more = became[0], len(became) - 1
    others = f"; and {more} more could not" if more else ""
    raise TrainingError(f"{first.name} could not be learned: {first.error}{others}")
