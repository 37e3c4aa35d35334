"""FaceA Edit: one attribute of a face changed by words, the person kept."""

from __future__ import annotations

import json
from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core import composing
from ..facea_core import identity as identities
from ..facea_core.composing import ComposeConfig, EditConfig
from ..facea_core.errors import ConfigError
from ..facea_core.settings import check_choice, check_number, check_text
from ..facea_core.types import FaceAttributes, Identity
from .host import (
    FRAME_SEEDS,
    Paint,
    Studio,
    faces_wired,
    field_input,
    images_to_paint,
    masks_in,
    own_choices,
    paint_jobs,
    painting_inputs,
    plain_numbers,
    schema,
    smear_notes,
    spec_of,
    tell,
    wired,
)
from .host.schema import ATTRIBUTES, IDENTITY, SEGS

_FINE = ("context_factor", "grow", "feather", "colour_match", "lora_strength", "frame_seed")


class FaceAEdit(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAEdit",
            display_name="FaceA Edit (smile, hair colour, glasses)",
            category="FaceA",
            description="Changes one attribute of a face by words and keeps the person: the model "
            "alone lays the change out, the person's LoRA finishes it. Outside the mask every "
            "pixel stays as it was.",
            search_aliases=["edit face", "smile", "expression", "hair color", "glasses", "beard"],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            advanced=_FINE,
            inputs=[
                io.Image.Input("image", tooltip="The picture to edit; a batch is fine."),
                io.Model.Input("model", tooltip="The inpainting model, patched as you like."),
                io.Clip.Input("clip", tooltip="Its text encoder."),
                io.Vae.Input("vae", tooltip="Its autoencoder."),
                io.String.Input(
                    "edit", default="smiling",
                    tooltip="What to change: smiling, red hair, round glasses, a full beard.",
                ),
                io.String.Input(
                    "parts", default="",
                    tooltip="Which parts of the face that is: mouth, hair. Empty = as the text of "
                    "the edit says.",
                ),
                field_input(EditConfig, "amount"),
                field_input(EditConfig, "handover"),
                *painting_inputs(),
                field_input(ComposeConfig, "colour_match"),
                io.Float.Input(
                    "lora_strength", default=1.0, min=-2.0, max=2.0, step=0.05,
                    tooltip="Strength of the LoRA of the identity; where MODEL has it already, a "
                    "factor on that.",
                ),
                io.Combo.Input(
                    "frame_seed", options=list(FRAME_SEEDS), default="next",
                    tooltip="The noise of each further picture of a batch: the next seed, or the "
                    "same, so that equal frames of a video come out equal.",
                ),
                io.MultiType.Input(
                    "attributes", [ATTRIBUTES, SEGS], optional=True,
                    tooltip="The faces that FaceA Attribute Detect found in this picture; or SEGS "
                    "from a node of the Impact Pack.",
                ),
                IDENTITY.Input(
                    "identity", optional=True,
                    tooltip="Who is in the picture. Without it the model alone edits any face.",
                ),
                io.Mask.Input(
                    "mask", optional=True,
                    tooltip="Where to edit, instead of parts of detected faces: all that is white.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The finished picture."),
                io.Image.Output(
                    display_name="crop", tooltip="What was painted, at the model's own size."
                ),
                io.Mask.Output(display_name="mask", tooltip="How much of each pixel is new."),
                io.Image.Output(display_name="before_after", tooltip="Both pictures in one."),
                io.String.Output(display_name="report", tooltip="What was edited, as JSON."),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("sampler_name", "scheduler", "frame_seed")

    @classmethod
    @plain_numbers
    def execute(
        cls, image: torch.Tensor, model: Any, clip: Any, vae: Any, edit: str, parts: str,
        amount: float, handover: int, negative_prompt: str, seed: int, steps: int, cfg: float,
        sampler_name: str, scheduler: str, denoise: float, lora_strength: float, frame_seed: str,
        attributes: Any = None, identity: Identity | None = None, mask: torch.Tensor | None = None,
        **more: Any,
    ) -> io.NodeOutput:  # fmt: skip
        wired("identity", identity, Identity)
        if identity is not None:
            identities.check_whole(identity)
        attributes = faces_wired(attributes)
        config = ComposeConfig(steps=steps, seed=seed, denoise=denoise, **more)
        change = EditConfig(amount=amount, handover=handover)
        check_number("cfg", cfg, 0, 30)
        check_number("lora_strength", lora_strength, -2, 2)
        check_choice("frame_seed", frame_seed, FRAME_SEEDS)
        check_text("the negative prompt", negative_prompt)
        names = composing.edited_parts(edit, parts, masked=mask is not None)
        if mask is None and attributes is None:
            raise ConfigError(
                "there is nothing that says where the face is: wire the attributes of FaceA "
                "Attribute Detect, or a mask"
            )
        images, notes = images_to_paint(image)
        spec = spec_of(model)

        def target(face: FaceAttributes) -> composing.TargetFace:
            return composing.edit_target(face, names, config)

        jobs, more_notes = composing.plan_batch(
            images, masks_in(mask), attributes, [identity], config, spec, target=target
        )
        jobs = jobs.each(lambda face: composing.edited(face, edit, names, change))
        settings = Paint(steps, cfg or spec.cfg, sampler_name, scheduler, denoise)
        given = [] if identity is None else [identity]
        studio = Studio(model, clip, vae, settings, given, lora_strength, negative_prompt)
        results = paint_jobs(cls, studio, images, jobs, config, spec, frame_seed)
        notes += [*studio.notes, *more_notes]
        notes += [*studio.clip_notes, *smear_notes(spec.family, attributes)]
        report = tell(cls, results.made, notes, studio.loras, studio.cropped)
        report = {"parts": list(names), **report}
        return io.NodeOutput(*results.outputs, json.dumps(report, indent=2))
