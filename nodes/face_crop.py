"""FaceA Face Crop: the squares around faces, for any sampler."""

from __future__ import annotations

import json
from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core import composing
from ..facea_core.composing import ComposeConfig
from ..facea_core.errors import ImageError, NoFaceError
from ..facea_core.settings import check_text
from .host import (
    Followed,
    faces_wired,
    field_input,
    image_of,
    images_in,
    in_crop,
    mask_of,
    masks_in,
    plain_numbers,
    say,
    schema,
)
from .host.schema import ATTRIBUTES, CROPS, SEGS

_FINE = ("context_factor", "grow", "feather", "neck", "hair", "hair_room")


class FaceAFaceCrop(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAFaceCrop",
            display_name="FaceA Face Crop (for any sampler)",
            category="FaceA",
            description="Cuts the square around each face, with its inpaint mask, for a sampler or "
            "model of your own. FaceA Face Paste puts the results back; outside the mask no pixel "
            "changes.",
            search_aliases=["crop face", "inpaint crop", "crop and stitch", "face detailer"],
            hidden=[io.Hidden.unique_id],
            advanced=_FINE,
            inputs=[
                io.Image.Input("image", tooltip="The image to cut faces from, or a batch."),
                io.Int.Input(
                    "size", default=1024, min=64, max=4096, step=8,
                    tooltip="Side of the crops in pixels: what your model paints best. SD 1.5: "
                    "512, SDXL and Flux: 1024.",
                ),
                *(field_input(ComposeConfig, name) for name in _FINE),
                io.String.Input(
                    "parts", default="",
                    tooltip="Repaint only these parts of each face: nose, mouth. Empty = the whole "
                    "head.",
                ),
                io.MultiType.Input(
                    "attributes", [ATTRIBUTES, SEGS], optional=True,
                    tooltip="Faces in this image from FaceA Attribute Detect, or SEGS from an "
                    "Impact Pack node.",
                ),
                io.Mask.Input(
                    "mask", optional=True,
                    tooltip="Inpaint mask to use instead of detected faces: white is repainted.",
                ),
                io.Image.Input(
                    "also", optional=True,
                    tooltip="Another image of the same scene, at any size: a depth map, a sketch. "
                    "The same squares are cut from it.",
                ),
                io.Conditioning.Input(
                    "positive", optional=True,
                    tooltip="Conditioning of the whole image: its ControlNet hints, masks and "
                    "areas are cut to the first crop.",
                ),
                io.Conditioning.Input(
                    "negative", optional=True, tooltip="The same for the negative conditioning."
                ),
            ],
            outputs=[
                io.Image.Output(display_name="crop", tooltip="The crops, as one batch."),
                io.Mask.Output(display_name="mask", tooltip="Their inpaint masks."),
                CROPS.Output(
                    display_name="crops", tooltip="Where they belong, for FaceA Face Paste."
                ),
                io.Image.Output(
                    display_name="also", tooltip="The same squares of also; without it the crops."
                ),
                io.Conditioning.Output(
                    display_name="positive", tooltip="positive, as it holds for the first crop."
                ),
                io.Conditioning.Output(
                    display_name="negative", tooltip="negative, as it holds for the first crop."
                ),
                io.String.Output(display_name="report", tooltip="Where the crops lie, as JSON."),
            ],
        )  # fmt: skip

    @classmethod
    @plain_numbers
    def execute(
        cls, image: torch.Tensor, size: int, parts: str, attributes: Any = None,
        mask: torch.Tensor | None = None, also: torch.Tensor | None = None, positive: Any = None,
        negative: Any = None, **more: Any,
    ) -> io.NodeOutput:  # fmt: skip
        attributes = faces_wired(attributes)
        config = ComposeConfig(**more)
        check_text("parts", parts)
        images, notes = images_in(image)
        others, other_notes = (images, []) if also is None else images_in(also)
        if len(others) not in (1, len(images)):
            raise ImageError(
                f"also has {len(others)} pictures and image has {len(images)}; give as many, or one"
            )
        jobs, more_notes = composing.plan_batch(
            images, masks_in(mask), attributes, [], config, composing.crop_spec(size),
            parts=parts,
        )  # fmt: skip
        made = composing.crop_faces(jobs, size, config)
        if made.count == 0:
            raise NoFaceError(
                "there is no face to cut out in any picture; look at the preview of FaceA "
                "Attribute Detect, or wire a mask"
            )
        every = [(n, crop) for n, crops in enumerate(made.crops) for crop in crops]
        first, plan = every[0][0], every[0][1].plan
        alike = (
            one.image if also is None else composing.crop_alike(others[n % len(others)], one.plan)
            for n, one in every
        )  # fmt: skip
        notes += [*(f"also: {note}" for note in other_notes), *more_notes, *made.notes]
        if len(every) > 1 and (positive or negative):
            notes.append(f"the conditioning is cut to the first of {len(every)} crops")
        followed = Followed()
        wires = [positive or [], negative or []]
        conditionings = in_crop(wires, plan, first, followed=followed)
        notes += followed.notes
        if notes:
            say("\n".join(notes), cls.hidden.unique_id)
        report = {
            "crops": [{"picture": n + 1, "box": list(one.plan.box)} for n, one in every],
            "notes": notes,
            "cropped": sorted(followed.cropped),
        }
        return io.NodeOutput(
            image_of(len(every), (one.image for _, one in every)),
            mask_of(len(every), (one.mask for _, one in every)),
            made,
            image_of(len(every), alike),
            *conditionings,
            json.dumps(report, indent=2),
        )
