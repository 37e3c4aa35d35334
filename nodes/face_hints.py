"""FaceA Face Hints: pictures for a ControlNet, drawn from faces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core import detection, hints
from ..facea_core.detection.config import DetectConfig
from ..facea_core.hints.config import HintConfig
from ..facea_core.types import DetectedFaces
from .host import (
    Progress,
    field_input,
    images_in,
    lists_of,
    own_choices,
    photos_in,
    plain_numbers,
    say,
    schema,
    wired,
)
from .host.layout import Stack
from .host.schema import ATTRIBUTES


class FaceAFaceHints(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAFaceHints",
            display_name="FaceA Face Hints (for ControlNet)",
            category="FaceA",
            description="Draws hints for a ControlNet from detected faces: InstantID's keypoints, "
            "OpenPose dots, outlines, or Canny edges around the head. Can take the shape of the "
            "person's face instead of the image's.",
            search_aliases=[
                "face keypoints", "instantid", "openpose face", "landmarks", "canny", "face shape",
            ],
            hidden=[io.Hidden.unique_id],
            is_input_list=True,
            inputs=[
                io.Image.Input("image", tooltip="The image to draw hints for, or a batch."),
                ATTRIBUTES.Input(
                    "attributes", tooltip="Its faces, from FaceA Attribute Detect."
                ),
                field_input(HintConfig, "kind"),
                field_input(HintConfig, "blend"),
                field_input(HintConfig, "head"),
                field_input(HintConfig, "hair"),
                io.String.Input(
                    "faces", default="",
                    tooltip="Numbers of the faces to draw, counted from 0: 0, 2 = the first and "
                    "the third. Empty = all.",
                ),
                ATTRIBUTES.Input(
                    "photo_attributes", optional=True,
                    tooltip="The person's face, from FaceA Attribute Detect on the person's "
                    "photos; used from blend 0.01. The first photo with a face counts.",
                ),
                io.Image.Input(
                    "photos", optional=True,
                    tooltip="These photos; needed only for keypoints and openpose.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="hint", tooltip="One hint per image, as large as the image."
                ),
                io.Mask.Output(
                    display_name="mask",
                    tooltip="The heads of the image together with the drawn face: a mask for FaceA "
                    "Inpaint Compose.",
                ),
                io.String.Output(display_name="report", tooltip="What was drawn, as JSON."),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("kind", "head")

    @classmethod
    @plain_numbers
    @lists_of("photos", "photo_attributes")
    def execute(
        cls, image: torch.Tensor, attributes: Any, kind: str, blend: float, head: str, hair: bool,
        faces: str, photo_attributes: Sequence[Any] = (),
        photos: Sequence[torch.Tensor] | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        for name, ones in (("attributes", [attributes]), ("photo_attributes", photo_attributes)):
            for one in ones:
                wired(name, one, DetectedFaces)
        config = HintConfig(kind, blend, head, hair)
        wanted = DetectConfig(face_index=-1, faces=faces).wanted
        pictures, notes = images_in(image)
        known = [one for one in photo_attributes if one is not None]
        found = detection.found_together(known) if known else None
        person = hints.person_shape(found, photos and photos_in(photos)[0], config)
        progress = Progress(len(pictures), cls.hidden.unique_id)
        drawn, masks = Stack(len(pictures)), Stack(len(pictures))
        report = []
        for one in hints.draw_hints(pictures, attributes, config, person, wanted, progress.at):
            drawn.add(one.image)
            masks.add(one.mask)
            notes += one.notes
            report.append(hints.hint_json(one))
        if notes:
            say("\n".join(notes), cls.hidden.unique_id)
        return io.NodeOutput(
            drawn.image,
            masks.image[..., 0],
            json.dumps({"pictures": report, "notes": notes}, indent=2),
        )
