"""FaceA Compare Grid: images side by side, with labels."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..facea_core.io.figures import draw_grid
from ..facea_core.settings import check_number, check_text
from .host import image_out, images_in, plain_numbers, say, schema

COLUMNS = ("a", "b", "c", "d")


class FaceACompareGrid(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceACompareGrid",
            display_name="FaceA Compare Grid (before, after)",
            category="FaceA",
            description="Shows images side by side: one labelled column per input, one row per "
            "image of a batch.",
            search_aliases=["before after", "compare images", "contact sheet", "image grid"],
            hidden=[io.Hidden.unique_id],
            advanced=("side",),
            inputs=[
                io.Image.Input(
                    "a", tooltip="First column. A batch fills the rows; a single image is "
                                 "repeated."
                ),
                io.String.Input(
                    "labels", default="before, after",
                    tooltip="Column labels, separated by commas; default: letters.",
                ),
                io.Int.Input(
                    "side", default=384, min=64, max=1024, step=8,
                    tooltip="Longer side of each image, in pixels.",
                ),
                *(
                    io.Image.Input(name, optional=True, tooltip=f"{place} column.")
                    for name, place in zip(COLUMNS[1:], ("Second", "Third", "Fourth"), strict=True)
                ),
            ],
            outputs=[
                io.Image.Output(display_name="grid", tooltip="All images on one page."),
            ],
        )  # fmt: skip

    @classmethod
    @plain_numbers
    def execute(cls, a: torch.Tensor, labels: str, side: int, **more: Any) -> io.NodeOutput:
        check_number("side", side, 64, 1024, whole=True)
        said = [label.strip() for label in check_text("labels", labels).split(",")]
        given = {"a": a, **{name: more.get(name) for name in COLUMNS[1:]}}
        wired = [(name, images) for name, images in given.items() if images is not None]
        said += [""] * len(wired)
        columns, notes = [], []
        for (name, images), label in zip(wired, said, strict=False):
            pictures, told = images_in(images)
            columns.append((label or name, pictures))
            notes += told
        page, told = draw_grid(columns, side)
        notes = list(dict.fromkeys([*notes, *told]))
        if notes:
            say("; ".join(notes), cls.hidden.unique_id)
        return io.NodeOutput(image_out([page]))
