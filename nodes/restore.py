"""FaceA Restore: a damaged photo repaired as the trained people in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core import composing, restoring
from ..facea_core.composing import ComposeConfig
from ..facea_core.errors import ConfigError
from ..facea_core.machine import give_back_memory
from ..facea_core.restoring.config import RestoreConfig
from ..facea_core.settings import check_number, check_text
from .host import (
    Paint,
    Results,
    Studio,
    composer,
    faces_wired,
    field_input,
    images_in,
    images_to_paint,
    larger,
    masks_in,
    own_choices,
    painting_inputs,
    people_wired,
    plain_numbers,
    rank_by,
    schema,
    smear_notes,
    spec_of,
    tell,
    wired_outputs,
)
from .host.schema import ATTRIBUTES, IDENTITIES, IDENTITY, SEGS

_FINE = (
    "context_factor", "grow", "feather", "neck", "hair", "lora_strength", "candidates", "colour",
    "grain", "only_worse_than",
)  # fmt: skip


class FaceARestore(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceARestore",
            display_name="FaceA Restore (repair an old photo of a person)",
            category="FaceA",
            description="Repairs a blurred, small, noisy, compressed or grey photo as the trained "
            "person in it. How it is damaged is estimated; what comes out, damaged again, is the "
            "photo. Pixels outside the faces do not change.",
            search_aliases=["face restore", "old photo", "deblur face", "codeformer", "gfpgan"],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            advanced=_FINE,
            inputs=[
                io.Image.Input("image", tooltip="The damaged photo, or a batch."),
                io.Model.Input("model", tooltip="The inpainting model, with or without patches."),
                io.Clip.Input("clip", tooltip="The text encoder of the model."),
                io.Vae.Input("vae", tooltip="The VAE of the model."),
                IDENTITY.Input("identity", tooltip="Who is in the photo."),
                io.String.Input(
                    "prompt", default="", multiline=True,
                    tooltip="Prompt with the person's learned words. Empty = the identity's own "
                    "prompt.",
                ),
                field_input(RestoreConfig, "strength"),
                field_input(RestoreConfig, "fidelity"),
                field_input(RestoreConfig, "scale"),
                *(one for one in painting_inputs() if one.id != "denoise"),
                field_input(ComposeConfig, "neck"),
                field_input(ComposeConfig, "hair"),
                io.Float.Input(
                    "lora_strength", default=1.0, min=-2.0, max=2.0, step=0.05,
                    tooltip="LoRA strength of the connected identities; if MODEL already has the "
                    "LoRA, a factor on its strength.",
                ),
                field_input(ComposeConfig, "candidates"),
                field_input(RestoreConfig, "colour"),
                field_input(RestoreConfig, "grain"),
                field_input(RestoreConfig, "only_worse_than"),
                io.Boolean.Input(
                    "match", default=False,
                    tooltip="Tell who is who from the photo itself, instead of from left to right, "
                    "and leave other people's faces alone. Takes some seconds per face and person.",
                ),
                io.MultiType.Input(
                    "attributes", [ATTRIBUTES, SEGS], optional=True,
                    tooltip="Faces in this photo from FaceA Attribute Detect, or SEGS from an "
                    "Impact Pack node.",
                ),
                io.Mask.Input(
                    "mask", optional=True,
                    tooltip="What to repair, instead of detected faces: all that is white.",
                ),
                *(
                    IDENTITY.Input(name, optional=True, tooltip="Another person in the photo.")
                    for name in IDENTITIES[1:]
                ),
                io.Image.Input(
                    "references", optional=True,
                    tooltip="Good photos of the person (of identity): the likeness to them is told "
                    "before and after, and the best of the candidates kept.",
                ),
                io.Image.Input(
                    "pre_cleaned", optional=True,
                    tooltip="The photo after another face restorer or an upscaler: painting starts "
                    "from it and takes its colours, and is still held to the photo itself.",
                ),
                io.Mask.Input(
                    "scratches", optional=True,
                    tooltip="Scratches and holes, where the photo shows nothing: white is lost.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The repaired photo."),
                io.Image.Output(
                    display_name="strip",
                    tooltip="Of each face the photo, the repaired one, and that one damaged again: "
                    "it should look like the photo.",
                ),
                io.Mask.Output(
                    display_name="mask", tooltip="How much of each pixel is new; 0 = unchanged."
                ),
                io.Image.Output(display_name="before_after", tooltip="Both photos side by side."),
                io.String.Output(
                    display_name="report",
                    tooltip="Per face: the damage, how much detail was left, consistency, "
                    "likeness. As JSON.",
                ),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("sampler_name", "scheduler", "colour")

    @classmethod
    @plain_numbers
    def execute(
        cls, image: torch.Tensor, model: Any, clip: Any, vae: Any, prompt: str, strength: float,
        fidelity: float, scale: int, negative_prompt: str, seed: int, steps: int, cfg: float,
        sampler_name: str, scheduler: str, lora_strength: float, colour: str, grain: float,
        only_worse_than: float, match: bool, attributes: Any = None,
        mask: torch.Tensor | None = None, references: torch.Tensor | None = None,
        pre_cleaned: torch.Tensor | None = None, scratches: torch.Tensor | None = None,
        **more: Any,
    ) -> io.NodeOutput:  # fmt: skip
        wires = people_wired(more)
        people = [who for who in wires if who is not None]
        attributes = faces_wired(attributes)
        painting = ComposeConfig(steps=steps, seed=seed, **more)
        config = RestoreConfig(
            strength, fidelity, scale, colour, only_worse_than=only_worse_than, grain=grain
        )
        check_number("cfg", cfg, 0, 30)
        check_number("lora_strength", lora_strength, -2, 2)
        for text in (prompt, negative_prompt):
            check_text("the prompt", text)
        composing.check_not_mixed(people, "a photo is restored")
        spec = spec_of(model)
        images, notes = images_to_paint(image)
        jobs, more_notes = composing.plan_batch(
            images, masks_in(mask), attributes, [None] if match else wires, painting, spec, prompt
        )
        lost = masks_in(scratches)
        cleaned = None if pre_cleaned is None else images_in(pre_cleaned)[0]
        for name, given in (("scratches", lost), ("pre_cleaned", cleaned)):
            if given is not None and len(given) not in (1, len(images)):
                raise ConfigError(
                    f"{name} has {len(given)} pictures and image has {len(images)}; give one, or "
                    "one for each"
                )
        rank, rank_notes = rank_by(references, spec.family, wires[0])
        settings = Paint(steps, cfg or spec.cfg, sampler_name, scheduler, 1.0)
        studio = Studio(model, clip, vae, settings, people, lora_strength, negative_prompt)
        compose = composer(cls, studio, jobs.faces, painting, spec)
        large = images if scale == 1 else images_in(larger(image, scale))[0]
        results = Results(large, jobs, spec.resolution, wired_outputs(cls))
        told: list[dict[str, Any]] = []
        for number, job in enumerate(jobs):
            photo = restoring.DamagedPhoto(
                job.image, scratches=_of(lost, job.index), cleaned=_of(cleaned, job.index)
            )
            faces, who = job.faces, []
            if match:
                faces, who = restoring.who_is_who(
                    photo, faces, people, studio.advantage, spec, painting.context_factor
                )
            made = restoring.restore_photo(
                photo, faces, partial(compose, number), spec, config,
                replace(painting, seed=(seed + number) % 2**64), rank,
            )  # fmt: skip
            composition = replace(
                made.composition, patches=made.strips, notes=(*who, *made.composition.notes)
            )
            results.add(replace(job, image=large[job.index]), composition)
            told.append(restoring.restored_figures(made))
        give_back_memory()
        notes += [*studio.notes, *more_notes, *rank_notes]
        notes += [*studio.clip_notes, *smear_notes(spec.family, attributes)]
        report = tell(cls, results.made, notes, studio.loras, studio.cropped)
        for picture, figures in zip(report["pictures"], told, strict=True):
            picture["faces"] = figures["faces"]
        return io.NodeOutput(*results.outputs, json.dumps(report, indent=2))


def _of(given: Sequence[torch.Tensor] | None, index: int) -> torch.Tensor | None:
    return None if given is None else given[index % len(given)]
