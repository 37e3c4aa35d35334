"""FaceA Attribute Detect: where the faces and their parts are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core import audit, composing, detection, selection
from ..facea_core.attributes import PRESETS
from ..facea_core.detection.config import DETECTORS, RENAMED, DetectConfig
from ..facea_core.errors import NoFaceError, PartError
from ..facea_core.io.images import glances, resize
from ..facea_core.types import DetectedFaces, FaceAttributes, Size
from .host import (
    ROOM,
    Progress,
    detector_models,
    field_input,
    image_of,
    images_in,
    in_room,
    is_wired,
    left_out,
    mask_of,
    masks_in,
    open_detector,
    own_choices,
    plain_numbers,
    say,
    schema,
    segs_of,
)
from .host.schema import ATTRIBUTES, SEGS

CUSTOM = "custom"

FACE_MASK, PART_MASKS, SEGS_OUT = 1, 2, 6
"""Which outputs they are."""

_FINE = (
    "face_threshold", "part_threshold", "detector_model", "part_grow", "part_feather",
    "own_mask_of",
)  # fmt: skip

_CUT = (
    "ComfyUI's Batch Images cuts pictures to the shape of the first, heads too: give photos of "
    "several shapes as a list"
)


class FaceAAttributeDetect(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceAAttributeDetect",
            display_name="FaceA Attribute Detect (find face, mask)",
            category="FaceA",
            description="Detects faces and their attributes (eyes, nose, mouth, hair …) as boxes "
            "and masks. The first step before training or painting a person.",
            search_aliases=["face detection", "find face", "face mask", "eyes nose mouth boxes"],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            advanced=_FINE,
            inputs=[
                io.Image.Input("images", tooltip="Images to search."),
                io.Combo.Input(
                    "words", options=[*PRESETS, CUSTOM], default="male",
                    tooltip="Parts to detect; each gets its own learned word in training: a "
                    "preset, or custom.",
                ),
                io.String.Input(
                    "custom_words", default="",
                    tooltip="If words = custom: parts, separated by commas, for example: eyes, "
                    "nose, beard.",
                ),
                io.Combo.Input(
                    "detector", options=[*DETECTORS, *RENAMED], default="auto",
                    tooltip="mesh (or landmarks, if installed): photographs. tiny: synthetic "
                    "faces. grounding-dino: any part of any face. auto: the first "
                    "available one that finds a face.",
                ),
                field_input(DetectConfig, "face_order"),
                field_input(DetectConfig, "face_index", min=-1, max=99),
                field_input(DetectConfig, "face_threshold"),
                field_input(DetectConfig, "part_threshold"),
                field_input(DetectConfig, "on_missing"),
                # Optional, so that graphs saved without them are still valid.
                io.Combo.Input(
                    "detector_model", options=detector_models(), default="auto", optional=True,
                    tooltip="Grounding-DINO weights in models/grounding-dino; auto = the first "
                    "file. Only the download choices fetch anything, and only once.",
                ),
                field_input(DetectConfig, "part_grow", optional=True),
                field_input(DetectConfig, "part_feather", optional=True),
                io.String.Input(
                    "own_mask_of", default="mouth", optional=True,
                    tooltip="Parts shown by own_masks, separated by commas; face is possible "
                    "too.",
                ),
                io.Mask.Input(
                    "own_masks", optional=True,
                    tooltip="Masks of parts that you drew; they override the detected ones. One "
                    "per part in own_mask_of, shared by all images, or all of image 1, "
                    "then image 2 …",
                ),
                field_input(DetectConfig, "faces", optional=True),
                io.Mask.Input(
                    "region", optional=True,
                    tooltip="Search only where this mask is white; other faces are ignored and "
                    "not numbered. One for all images, or one each.",
                ),
                io.Image.Input(
                    "references", optional=True,
                    tooltip="Photos of one person: only their faces are used, the most alike "
                    "first, and numbered in that order.",
                ),
            ],
            outputs=[
                ATTRIBUTES.Output(
                    display_name="attributes", tooltip="Faces and parts, for other FaceA nodes."
                ),
                io.Mask.Output(
                    display_name="face_mask",
                    tooltip="The area that FaceA Inpaint Compose would repaint, one mask per "
                    "image.",
                ),
                io.Mask.Output(
                    display_name="part_masks",
                    tooltip="One mask per part and image: all of image 1, then image 2 …",
                ),
                io.Image.Output(
                    display_name="preview", tooltip="The images with numbered boxes."
                ),
                io.Int.Output(display_name="count", tooltip="Number of faces in all images."),
                io.String.Output(display_name="report", tooltip="All detections, as JSON."),
                SEGS.Output(
                    display_name="segs", is_output_list=True,
                    tooltip="The faces as SEGS for Impact Pack nodes, one per image.",
                ),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("words", "detector", "face_order", "on_missing", "detector_model")

    @classmethod
    @plain_numbers
    def execute(
        cls,
        images: torch.Tensor,
        words: str,
        custom_words: str,
        detector: str,
        detector_model: str = "auto",
        own_mask_of: str = "",
        own_masks: torch.Tensor | None = None,
        region: torch.Tensor | None = None,
        references: torch.Tensor | None = None,
        **settings: object,
    ) -> io.NodeOutput:
        table = custom_words if words == CUSTOM else words
        config = DetectConfig(attributes=table, **settings)
        pictures, notes = images_in(images)
        own = detection.own_masks(len(pictures), own_mask_of, masks_in(own_masks) or ())
        searcher = open_detector(detector, detector_model, cls.hidden.unique_id)
        only = None
        if references is not None:
            given, more = images_in(references)
            photos, left_out = selection.photos_to_choose_by(given, searcher)
            notes += [f"references: {note}" for note in [*more, *left_out]]
            only = audit.only_of(photos)
        progress = Progress(len(pictures), cls.hidden.unique_id)
        try:
            faces = detection.detect_chosen(
                pictures, searcher, config, own, masks_in(region), progress.at, only
            )
        except (NoFaceError, PartError) as error:
            if len(pictures) == 1:
                raise
            raise type(error)(f"{error}. {_CUT}") from error
        count, size = len(pictures), pictures.size
        masks = (composing.faces_mask(seen, size) for seen in faces)
        parts = (
            mask
            for picture, seen in zip(pictures, faces, strict=True)
            for mask in detection.part_masks(
                picture, seen, config.table, grow=config.part_grow, feather=config.part_feather
            )
        )
        drawn = (
            detection.draw_faces(picture, seen)
            for picture, seen in zip(pictures, faces, strict=True)
        )
        shown = (resize(one, in_room((one.shape[2], one.shape[3]), count)) for one in drawn)
        notes += _left_out(faces)
        report = {
            "pictures": [detection.to_json(seen)["faces"] for seen in faces],
            "notes": notes,
        }
        found = DetectedFaces(table, faces, glances(pictures))
        if notes:
            say("\n".join(notes), cls.hidden.unique_id)
        return io.NodeOutput(
            found,
            cls._masks(FACE_MASK, "face masks", count, size, masks),
            cls._masks(PART_MASKS, "part masks", count * len(config.table), size, parts),
            image_of(count, shown),
            found.count,
            json.dumps(report, indent=2),
            cls._missing(SEGS_OUT, "SEGS", count, size) or [segs_of(seen, size) for seen in faces],
        )

    @classmethod
    def _masks(
        cls, output: int, what: str, count: int, size: Size, masks: Iterator[torch.Tensor]
    ) -> Any:
        missing = cls._missing(output, what, count, size)
        return missing[0] if missing else mask_of(count, masks)

    @classmethod
    def _missing(cls, output: int, what: str, count: int, size: Size) -> list[Any]:
        """What stands in place of an output: masks of many large images are made where wired."""
        needed = 4 * count * size[0] * size[1]
        if needed <= ROOM or is_wired(cls.hidden.prompt, cls.hidden.unique_id, output):
            return []
        return [left_out(what, needed)]


def _left_out(faces: Sequence[Sequence[FaceAttributes]]) -> list[str]:
    """A note on the images in which there is no face to go on with."""
    without = [n for n, seen in enumerate(faces, start=1) if not any(f.score > 0 for f in seen)]
    if not without:
        return []
    named = ", ".join(map(str, without[:10])) + ", …" * (len(without) > 10)
    return [f"{len(without)} of {len(faces)} pictures without a face to go on with: {named}"]
