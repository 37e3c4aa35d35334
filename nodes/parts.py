"""FaceA Part Mask: some parts of some faces as a mask."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..facea_core import composing
from ..facea_core.detection.config import DetectConfig
from ..facea_core.types import DetectedFaces
from .host import field_input, mask_of, plain_numbers, say, schema, wired
from .host.schema import ATTRIBUTES


class FaceAPartMask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAPartMask",
            display_name="FaceA Part Mask (eyes, mouth, hair)",
            category="FaceA",
            description="Makes a mask of chosen parts of the detected faces, for example only "
            "the eyes. Works with any node that takes a mask.",
            search_aliases=["eyes mask", "mouth mask", "hair mask", "face parts", "segment face"],
            hidden=[io.Hidden.unique_id],
            advanced=("grow", "feather"),
            inputs=[
                ATTRIBUTES.Input("attributes", tooltip="Output of FaceA Attribute Detect."),
                io.String.Input(
                    "parts", default="eyes",
                    tooltip="Parts, separated by commas: eyes, nose, mouth, hair, eyebrows … "
                    "face = the face alone, head = everything that FaceA Inpaint Compose "
                    "would repaint.",
                ),
                io.String.Input(
                    "faces", default="",
                    tooltip="Numbers of the faces to use, counted from 0: 0, 2 = the first and "
                    "the third. Empty = all.",
                ),
                field_input(DetectConfig, "part_grow", id="grow"),
                field_input(DetectConfig, "part_feather", id="feather"),
            ],
            outputs=[
                io.Mask.Output(display_name="mask", tooltip="One mask per image; the parts are "
                                                            "white."),
                io.String.Output(
                    display_name="found", tooltip="All parts available in these faces, separated"
                                                  " by commas."
                ),
            ],
        )  # fmt: skip

    @classmethod
    @plain_numbers
    def execute(
        cls, attributes: Any, parts: str, faces: str, grow: float, feather: float
    ) -> io.NodeOutput:
        wired("attributes", attributes, DetectedFaces)
        names = composing.part_names(parts)
        config = DetectConfig(face_index=-1, faces=faces, part_grow=grow, part_feather=feather)
        masks, found, notes = composing.chosen_masks(
            attributes, names, config.wanted, grow=grow, feather=feather
        )
        if notes:
            say("\n".join(notes), cls.hidden.unique_id)
        return io.NodeOutput(mask_of(len(masks), iter(masks)), ", ".join(found))
