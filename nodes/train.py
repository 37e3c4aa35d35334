"""FaceA Embedding Trainer: a person learned from photos, once."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from comfy_api.latest import io, ui

from ..facea_core import audit, composing, detection, identity, identity_store, training
from ..facea_core.errors import AssetError
from ..facea_core.io.captions import captions_for
from ..facea_core.io.output_files import require_writable_folder
from ..facea_core.settings import read_settings, under_new_names
from ..facea_core.training import TrainConfig
from ..facea_core.training.earlier import RENAMED
from ..facea_core.types import DetectedFaces
from .host import (
    Cancelled,
    Progress,
    TrainingProgress,
    chosen_config,
    elsewhere,
    embeddings_folder,
    field_input,
    identities_folders,
    image_out,
    lists_of,
    make_room,
    model_to_train,
    own_choices,
    photos_in,
    plain_numbers,
    preset_input,
    relative_name,
    runs_folder,
    say,
    schema,
    spec_of,
    training_backbone,
    training_hash,
    wired,
)
from .host.schema import ATTRIBUTES, IDENTITY

_LOG = logging.getLogger(__name__)
_FINE = ("batch", "rank", "words_rate", "lora_rate", "previews", "save_words", "settings")


def _preset_or(name: str) -> io.Input:
    """The widget of a setting in which 0 leaves it to the preset."""
    setting = RENAMED.get(name, name)
    kind = type(getattr(TrainConfig(), setting))
    widget = field_input(TrainConfig, setting, id=name, default=kind(0), min=kind(0))
    widget.tooltip += " 0 = the preset's own value."
    if kind is float:
        widget.step = widget.round = 1e-6
        widget.tooltip += f' {{"{setting}": 0}} in settings learns none.'
    return widget


class FaceAEmbeddingTrainer(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAEmbeddingTrainer",
            display_name="FaceA Embedding Trainer (train a person)",
            category="FaceA",
            description="Trains a person's identity from a few photos: one learned word per part "
            "of the face, and a LoRA on the connected inpainting model. Saves it, "
            "resumes if stopped, and never repeats a finished training.",
            search_aliases=["train face", "fine-tune person", "textual inversion", "train lora"],
            is_output_node=True,
            is_input_list=True,
            hidden=[io.Hidden.unique_id],
            advanced=_FINE,
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="Photos of one person; three are enough. A batch, or a list of any "
                    "sizes.",
                ),
                ATTRIBUTES.Input(
                    "attributes", tooltip="Output of FaceA Attribute Detect for these photos."
                ),
                *model_to_train(),
                io.String.Input(
                    "name", default="person",
                    tooltip="Name in prompts and file names: a-z, 0-9, - and _, at most 64 "
                    "characters. Ada Lovelace is saved as ada-lovelace.",
                ),
                io.String.Input(
                    "class_noun", default="person",
                    tooltip="Class noun of the person: man, woman, child …",
                ),
                preset_input(),
                *(_preset_or(n) for n in ("steps", "batch", "rank", "words_rate", "lora_rate")),
                field_input(TrainConfig, "seed", control_after_generate=False),
                io.Int.Input(
                    "previews", default=8, min=0, max=64,
                    tooltip="Number of preview images during training; fewer if they would take "
                    "more than 5 % of the time (10 % on a CPU). 0 = none.",
                ),
                io.Boolean.Input(
                    "save_words", default=True,
                    tooltip="Also save each word in models/embeddings for stock nodes. If FaceA "
                    "would have to overwrite a file that is not its own, the training "
                    "does not start.",
                ),
                io.String.Input(
                    "settings", default="", multiline=True,
                    tooltip='Other training settings, as JSON: {"local_ratio": 0.3}.',
                ),
                io.String.Input(
                    "captions", optional=True, force_input=True,
                    tooltip="What each photo shows that does not belong to the person, one line "
                    "per photo: smiling, at night; or a list, as FaceA Load Photos gives it.",
                ),
                io.Boolean.Input(
                    "auto_captions", default=False, optional=True,
                    tooltip="Where a photo has no caption, say what is seen of it and is not the "
                    "person's: smiling, an open mouth, glasses that not all photos show, black "
                    "and white.",
                ),
            ],
            outputs=[
                IDENTITY.Output(display_name="identity", tooltip="The identity, for other FaceA "
                                                                 "nodes."),
                io.String.Output(
                    display_name="path", tooltip="The saved file, as named in LoRA lists."
                ),
                io.Image.Output(
                    display_name="previews", tooltip="The preview images of the training."
                ),
                io.Image.Output(display_name="loss_plot", tooltip="The loss over the steps."),
                io.String.Output(
                    display_name="report", tooltip="Steps, seconds, losses and more, as JSON."
                ),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("preset")

    @classmethod
    @plain_numbers
    @lists_of("images", "attributes", "captions")
    def execute(
        cls, images: Sequence[torch.Tensor], attributes: Sequence[DetectedFaces], model: Any,
        clip: Any, vae: Any, name: str, class_noun: str, preset: str, previews: int,
        save_words: bool, settings: str, captions: Sequence[str] = (),
        auto_captions: bool = False, **changes: Any,
    ) -> io.NodeOutput:  # fmt: skip
        name, named = identity.person_name(name)
        subject = identity.Subject(name, class_noun)
        words = _words_folder(name) if save_words else None
        home, *others = identities_folders()
        pictures, notes = photos_in(images)
        for one in attributes:
            wired("attributes", one, DetectedFaces)
        found = detection.found_together(attributes)
        photos, left_out = detection.photos_with_faces(
            pictures, found, captions_for(captions, len(pictures))
        )
        if auto_captions:
            alive = Progress(len(photos), cls.hidden.unique_id).alive
            photos = audit.captioned(photos, on_photo=alive)
            notes += [f"{one.name}: said of it: {one.caption}" for one in photos if one.caption]
        widgets = {key: value for key, value in changes.items() if value}
        said = read_settings(settings)
        chosen = under_new_names(widgets, RENAMED) | under_new_names(said, RENAMED)
        spec = spec_of(model)
        config = chosen_config(spec, preset, previews, **{"attributes": found.attributes, **chosen})
        left_out += detection.smear_note(spec.family, [photo.attributes for photo in photos])
        if words is not None:
            known = chain.from_iterable(
                identity.identities_of(one, name) for one in (home, *others)
            )
            identity.check_words_free(name, config.table, words, known)
        launched = []
        places = {"words": words, "also": others}
        origin = training.Origin.of(photos, training_hash(model, clip, vae), config, subject)
        # What was learned before is found without moving any weights.
        trained = identity_store.find_trained(
            photos, origin, home, config.resolution or spec.resolution, **places
        )
        if trained is None:
            room = make_room()
            plan = training.plan_training(spec, config, room.dtype, room.free)
            training.require_room(plan, room.device)
            launched += [note] if (note := training.launch_note(room.device)) else []
            begun = (
                f"learning from {detection.so_many(len(photos), len(pictures))}; {config.line()}"
            )
            copying = "; ".join([begun, plan.line(), *launched, "copying the model …"])
            say(copying, cls.hidden.unique_id)
            with training_backbone(model, clip, vae, room) as backbone:
                notes += backbone.notes
                starts = [class_noun, *(one.name for one in config.table)]
                notes += identity.start_notes(starts, identity.vocabularies(backbone))
                shown = TrainingProgress(name, config.steps, cls.hidden.unique_id)
                shown.begin(begun, plan.line())
                previewer = training.face_previewer(
                    composing.inpaint, composing.PREVIEW, photos[0], backbone, config,
                    subject=subject, on_step=lambda *_: shown.progress.alive(),
                )  # fmt: skip
                try:
                    trained = identity_store.train_once(
                        photos, backbone, config, home, runs_folder(), subject,
                        on_step=shown.step, on_tick=shown.progress.at, on_encode=shown.encode,
                        previewer=previewer, plan=plan, origin=origin, **places,
                    )  # fmt: skip
                except Cancelled:
                    shown.stopped()
                    raise
        path = relative_name(trained.path)
        few = _few(len(photos), len(pictures))
        notes += [*few, *named, *left_out, *launched, *trained.record["notes"]]
        if trained.path.parent == home:
            notes += elsewhere(home)
        record = {"path": path, **trained.record, "settings": config.line(), "notes": notes}
        say(_summary(record), cls.hidden.unique_id)
        _LOG.info("FaceA, %s: %s", name, _summary(record))
        sheet = image_out([trained.sheet])
        return io.NodeOutput(
            trained.identity, path, sheet, image_out([trained.plot]), json.dumps(record, indent=2),
            ui={
                **ui.PreviewImage(sheet, cls=cls).as_dict(),
                "text": [_summary(record)],
                "facea": [record],
            },
        )  # fmt: skip


def _words_folder(name: str) -> Path:
    """Where the words are saved, if they can be: asked before minutes of work."""
    folder = embeddings_folder()
    try:
        require_writable_folder(folder / name)
    except AssetError as error:
        raise AssetError(
            f"{error}. Nothing was trained; with save_words off the person is saved without files "
            "for the words, which only stock nodes need"
        ) from error
    return folder


def _few(used: int, given: int) -> list[str]:
    """What is said in the end where photos were left out, or there is only one."""
    better = "; three or more make a better likeness" if used == 1 else ""
    return [f"learned from {detection.so_many(used, given)}{better}"] * (used < max(given, 2))


def _summary(record: dict[str, Any]) -> str:
    if record["cached"]:
        found = f"learned before, in {record['steps']} steps; nothing to do"
        return "; ".join([found, record["settings"], *record["notes"]])
    since = f", from step {record['resumed_from']} on" if record["resumed_from"] else ""
    loss = f"; loss {record['loss']:.3f}" if record["loss"] is not None else ""
    went = f"{record['steps_run']} steps in {record['seconds']:.0f} s"
    done = f"saved {record['name']}; {went}{since}{loss}"
    share = record["seconds_of_previews"] / max(record["seconds"], 1e-3)
    painted = [f"previews took {share:.0%} of it"] if share else []
    return "; ".join([done, *painted, record["settings"], *record["notes"]])
