"""FaceA Face Paste: crops that any sampler has repainted, put back into their image."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core import composing
from ..facea_core.composing import ComposeConfig
from .host import (
    field_input,
    image_of,
    images_in,
    mask_of,
    plain_numbers,
    schema,
    tell,
    wired,
)
from .host.schema import CROPS


class FaceAFacePaste(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAFacePaste",
            display_name="FaceA Face Paste (stitch crops back)",
            category="FaceA",
            description="Puts the crops of FaceA Face Crop back after any sampler: colours "
            "matched to the surroundings, blended by the mask. Outside the mask no pixel changes; "
            "an unchanged crop changes nothing.",
            search_aliases=["stitch face", "paste face", "inpaint stitch", "uncrop"],
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.Image.Input(
                    "crop", tooltip="The repainted crops, as many as were cut, in their order."
                ),
                CROPS.Input("crops", tooltip="Output of FaceA Face Crop."),
                field_input(ComposeConfig, "colour_match"),
                io.Image.Input(
                    "image", optional=True,
                    tooltip="Paste into this image instead of the one that was cropped; it has the "
                    "same size.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The final image."),
                io.Mask.Output(
                    display_name="mask", tooltip="How much of each pixel was repainted; nothing "
                    "changed where it is black.",
                ),
                io.String.Output(display_name="report", tooltip="What was done, as JSON."),
            ],
        )  # fmt: skip

    @classmethod
    @plain_numbers
    def execute(
        cls, crop: torch.Tensor, crops: Any, colour_match: float,
        image: torch.Tensor | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        wired("crops", crops, composing.FaceCrops)
        patches, notes = images_in(crop)
        into = None
        if image is not None:
            into, more = images_in(image)
            notes += more
        config = replace(crops.config, colour_match=colour_match)
        pasted = composing.paste_faces(replace(crops, config=config), patches, into)
        made = [one for _, one in pasted]
        report = tell(cls, made, notes, {})
        return io.NodeOutput(
            image_of(len(made), (one.image for one in made)),
            mask_of(len(made), (one.mask for one in made)),
            json.dumps(report, indent=2),
        )
