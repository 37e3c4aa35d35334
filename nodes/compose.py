"""FaceA Inpaint Compose: learned people painted into an image."""

from __future__ import annotations

import json
import logging
from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core import composing, identity, selection
from ..facea_core.composing import ComposeConfig
from ..facea_core.settings import check_choice, check_number, check_text
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
    people_wired,
    plain_numbers,
    rank_by,
    said_of,
    schema,
    smear_notes,
    spec_of,
    tell,
)
from .host.schema import ATTRIBUTES, IDENTITIES, IDENTITY, SEGS

_NOBODY = (
    "the prompt is empty and no identity is wired, so the model painted whoever it likes; write a "
    "prompt, or wire FaceA LoRA Loader (one that is bypassed hands out none)"
)

_FINE = (
    "context_factor", "grow", "feather", "neck", "hair", "colour_match", "lora_strength",
    "hair_room", "candidates", "frame_seed", "crop_hints", "second_pass", "faces",
)  # fmt: skip

CROP_HINTS = ("yes", "as they are")


class FaceAInpaintCompose(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAInpaintCompose",
            display_name="FaceA Inpaint Compose (paint a person, face swap)",
            category="FaceA",
            description="Inpaints a trained person over a face: crops, inpaints with ComfyUI's "
            "samplers, matches colours, stitches back. Pixels outside the mask do not change.",
            search_aliases=["face swap", "paint person", "inpaint face", "face detailer"],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            advanced=_FINE,
            inputs=[
                io.Image.Input("image", tooltip="The image to paint into, or a batch."),
                io.Model.Input("model", tooltip="The inpainting model, with or without patches."),
                io.Clip.Input("clip", tooltip="The text encoder, from FaceA LoRA Loader."),
                io.Vae.Input("vae", tooltip="The VAE of the model."),
                io.String.Input(
                    "prompt", default="", multiline=True,
                    tooltip="Prompt with the person's learned words. Empty = the identity's own "
                    "prompt. Use [SEP] to separate the prompts of several faces.",
                ),
                *painting_inputs(),
                field_input(ComposeConfig, "neck"),
                field_input(ComposeConfig, "hair"),
                field_input(ComposeConfig, "colour_match"),
                io.Float.Input(
                    "lora_strength", default=1.0, min=-2.0, max=2.0, step=0.05,
                    tooltip="LoRA strength of the connected identities; if MODEL already has the "
                    "LoRA, a factor on its strength.",
                ),
                io.Mask.Input(
                    "mask", optional=True,
                    tooltip="Inpaint mask to use instead of detected faces: white is repainted. "
                    "A hard edge is blended outwards over feather.",
                ),
                io.MultiType.Input(
                    "attributes", [ATTRIBUTES, SEGS], optional=True,
                    tooltip="Faces in this image from FaceA Attribute Detect, or SEGS from an "
                    "Impact Pack node.",
                ),
                *(
                    IDENTITY.Input(
                        name, optional=True,
                        tooltip=f"Identity to paint over face {number}, in detection order.",
                    )
                    for number, name in enumerate(IDENTITIES, start=1)
                ),
                io.Conditioning.Input(
                    "positive", optional=True, tooltip="Your own conditioning, used instead of "
                                                       "the prompt."
                ),
                io.Conditioning.Input(
                    "negative", optional=True,
                    tooltip="Your own conditioning, used instead of the negative prompt.",
                ),
                field_input(ComposeConfig, "hair_room", optional=True),
                field_input(ComposeConfig, "candidates", optional=True),
                io.Image.Input(
                    "references", optional=True,
                    tooltip="Photos of the person (of identity, if several are connected): the "
                    "candidate most like them is kept. Without photos, the one that fits "
                    "the image best.",
                ),
                io.Combo.Input(
                    "frame_seed", options=list(FRAME_SEEDS), default="next", optional=True,
                    tooltip="Seed of the further images of a batch: next = the next seed, same = "
                    "the same noise, so that equal frames of a video stay equal.",
                ),
                io.String.Input(
                    "parts", default="", optional=True,
                    tooltip="Repaint only these parts of each face: nose, mouth. Add names to "
                    "mix people: eyes:ada, mouth:ben. Empty = the whole head.",
                ),
                io.Conditioning.Input(
                    "hints", optional=True,
                    tooltip="Conditioning from Apply ControlNet: its ControlNets guide every "
                    "face, and each face keeps its own prompt.",
                ),
                io.Combo.Input(
                    "crop_hints", options=list(CROP_HINTS), default="yes", optional=True,
                    tooltip="yes: ControlNet images show the whole image and are cropped for each "
                    "face. as they are: they were made for the crop already.",
                ),
                field_input(ComposeConfig, "second_pass", optional=True),
                io.Mask.Input(
                    "keep", optional=True,
                    tooltip="What is in front of the face and must stay: a hand, glasses, a "
                    "microphone. Nothing white here is repainted.",
                ),
                io.String.Input(
                    "faces", default="", optional=True,
                    tooltip="Which face each identity is painted over: 2, 1 or 2:ada, 1:ben. Empty "
                    "= in detection order.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The final image."),
                io.Image.Output(
                    display_name="crop", tooltip="The inpainted crop, at the model's native size."
                ),
                io.Mask.Output(display_name="mask", tooltip="How much of each pixel was "
                                                            "repainted; nothing changed where it"
                                                            " is black."),
                io.Image.Output(display_name="before_after", tooltip="Both images side by side."),
                io.String.Output(display_name="report", tooltip="What was done, as JSON."),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("sampler_name", "scheduler", "frame_seed", "crop_hints")

    @classmethod
    @plain_numbers
    def execute(
        cls, image: torch.Tensor, model: Any, clip: Any, vae: Any, prompt: str,
        negative_prompt: str, seed: int, steps: int, cfg: float, sampler_name: str, scheduler: str,
        denoise: float, lora_strength: float, mask: torch.Tensor | None = None,
        attributes: Any = None, positive: Any = None, negative: Any = None,
        references: torch.Tensor | None = None, frame_seed: str = "next",
        parts: str = "", hints: Any = None, crop_hints: str = CROP_HINTS[0],
        keep: torch.Tensor | None = None, faces: str = "", **more: Any,
    ) -> io.NodeOutput:  # fmt: skip
        identities = people_wired(more)
        attributes = faces_wired(attributes)
        config = ComposeConfig(steps=steps, seed=seed, denoise=denoise, **more)
        check_number("cfg", cfg, 0, 30)
        check_number("lora_strength", lora_strength, -2, 2)
        check_choice("frame_seed", frame_seed, FRAME_SEEDS)
        check_choice("crop_hints", crop_hints, CROP_HINTS)
        for text in (prompt, negative_prompt):
            check_text("the prompt", text)
        check_text("parts", parts)
        images, notes = images_to_paint(image)
        spec = spec_of(model)
        jobs, more_notes = composing.plan_batch(
            images, masks_in(mask), attributes, composing.assigned(faces, identities), config,
            spec, prompt, parts, selection.part_finder(selection.detector_for(spec.family)),
        )  # fmt: skip
        if keep is not None:
            jobs = jobs.keeping(masks_in(keep) or [])
        settings = Paint(steps, cfg or spec.cfg, sampler_name, scheduler, denoise)
        given = [one for who in identities if who for one in identity.everybody(who)]
        studio = Studio(
            model, clip, vae, settings, given, lora_strength, negative_prompt, positive, negative,
            hints, crop_hints == CROP_HINTS[0],
        )  # fmt: skip

        rank, rank_notes = None, ["references: there is nothing to choose among with candidates 1"]
        if references is None or config.candidates > 1:
            rank, rank_notes = rank_by(references, spec.family, identities[0])
        results = paint_jobs(cls, studio, images, jobs, config, spec, frame_seed, rank)
        made = results.made
        notes += [*studio.notes, *more_notes, *rank_notes]
        notes += [*smear_notes(spec.family, attributes), *studio.clip_notes]
        if positive is None and not prompt.strip() and not given:
            notes.append(_NOBODY)
        report = tell(cls, made, notes, studio.loras, studio.cropped)
        if not any(one.plans for one in made):
            logging.warning("FaceA Inpaint Compose: %s", "; ".join(said_of(made, notes)))
        return io.NodeOutput(*results.outputs, json.dumps(report, indent=2))
