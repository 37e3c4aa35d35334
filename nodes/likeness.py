"""FaceA Likeness: whether images show the person of some photos."""

from __future__ import annotations

import json
from collections.abc import Sequence

import torch
from comfy_api.latest import io

from ..facea_core import audit
from ..facea_core.evaluation.names import EMBEDDERS
from ..facea_core.io.figures import Tile, draw_tiles
from .host import Progress, image_out, lists_of, own_choices, photos_in, schema

SHOWN = 60
"""So many generated images, and so many references, are in the grid."""

NOBODY = -1.0
"""Likeness of an image without a face, where a number must be."""


class FaceALikeness(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceALikeness",
            display_name="FaceA Likeness (is it the same person?)",
            category="FaceA",
            description="Measures how much a generated face looks like the person in some "
            "photos: a score and a verdict. Detects the faces itself.",
            search_aliases=["face similarity", "compare faces", "identity score", "evaluate"],
            hidden=[io.Hidden.unique_id],
            is_input_list=True,
            advanced=("embedder",),
            inputs=[
                io.Image.Input(
                    "generated", tooltip="Images to evaluate: one, a batch, or a list of any "
                                         "sizes."
                ),
                io.Image.Input(
                    "references",
                    tooltip="Photos of the person, preferably held-out ones that were not used "
                    "for training: a batch, or a list of any sizes.",
                ),
                io.Combo.Input(
                    "embedder", options=list(EMBEDDERS), default="auto",
                    tooltip="Face recognition model: landmarks for photographs, tiny for "
                    "synthetic faces; auto chooses by the references.",
                ),
            ],
            outputs=[
                io.Float.Output(
                    display_name="likeness", is_output_list=True,
                    tooltip="Cosine similarity of each image's face to the nearest reference; -1 "
                    "if there is no face. Compare only numbers of the same embedder.",
                ),
                io.String.Output(
                    display_name="verdict", is_output_list=True,
                    tooltip="The verdict: same person, unsure, somebody else, or no face.",
                ),
                io.Image.Output(
                    display_name="grid",
                    tooltip="The images with their scores, then the references.",
                ),
                io.String.Output(display_name="report", tooltip="All numbers, as JSON."),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("embedder")

    @classmethod
    @lists_of("generated", "references")
    def execute(
        cls, generated: Sequence[torch.Tensor], references: Sequence[torch.Tensor], embedder: str
    ) -> io.NodeOutput:
        pictures, notes = photos_in(generated)
        photos, more = photos_in(references)
        progress = Progress(len(pictures) + len(photos), cls.hidden.unique_id)
        found = audit.compare_pictures(pictures, photos, embedder, progress.at)
        notes = list(dict.fromkeys([*notes, *more, *found.notes]))
        report = {**audit.comparison_json(found), "notes": notes}
        line = "; ".join([audit.likeness_line(found.pictures, found.embedder), *notes])
        progress.say(line)
        return io.NodeOutput(
            [NOBODY if one.nearest is None else one.nearest for one in found.pictures],
            [one.verdict for one in found.pictures],
            image_out([_grid(pictures, photos, found)]),
            json.dumps(report, indent=2),
            ui={"text": [line]},
        )


def _grid(
    pictures: Sequence[torch.Tensor], photos: Sequence[torch.Tensor], found: audit.Comparison
) -> torch.Tensor:
    judged = [
        Tile(picture, audit.likeness_text(one))
        for picture, one in zip(pictures, found.pictures, strict=True)
    ]
    known = [Tile(photo, f"reference {number}") for number, photo in enumerate(photos, start=1)]
    return draw_tiles([*judged[:SHOWN], *known[:SHOWN]])
