"""FaceA Save Image: generated images as files that say so."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..facea_core.io.generated_images import ENDINGS, PART, SOURCES, save_generated
from ..facea_core.settings import check_choice
from .host import Progress, graph_texts, images_in, output_files, own_choices, schema


class FaceASaveImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceASaveImage",
            display_name="FaceA Save Image (mark as painted)",
            category="FaceA",
            description="Saves images as PNG, JPEG or WebP in the output folder, with the "
            "workflow like Save Image, and with metadata that says they were "
            "generated.",
            search_aliases=["save jpeg", "save webp", "export image", "iptc", "provenance"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            inputs=[
                io.Image.Input("images", tooltip="Images to save: one, a batch or a list."),
                io.String.Input(
                    "filename_prefix", default="FaceA",
                    tooltip="Start of the file names, optionally with folders: "
                    "faces/%year%-%month%-%day%. A number is added; no file is "
                    "overwritten.",
                ),
                io.Combo.Input(
                    "format", options=list(ENDINGS), default="PNG",
                    tooltip="PNG and WebP are lossless, and WebP is smaller; JPEG is the "
                    "smallest and slightly lossy.",
                ),
                io.Int.Input(
                    "quality", default=95, min=1, max=100,
                    tooltip="JPEG only; 95 is almost indistinguishable from the original.",
                ),
                io.Combo.Input(
                    "generated", options=list(SOURCES), default=PART,
                    tooltip="What the metadata says: a part of the image was generated (a face "
                    "in a photograph), or all of it.",
                ),
            ],
            outputs=[],
        )  # fmt: skip

    validate_inputs = own_choices("format", "generated")

    @classmethod
    def execute(
        cls, images: torch.Tensor, filename_prefix: str, format: str, quality: int, generated: str
    ) -> io.NodeOutput:
        check_choice("format", format, tuple(ENDINGS))
        pictures, notes = images_in(images)
        graph = graph_texts(cls.hidden.prompt, cls.hidden.extra_pnginfo)
        size = (images.shape[1], images.shape[2])
        files = output_files(filename_prefix, size, ENDINGS[format])
        progress = Progress(len(pictures), cls.hidden.unique_id)
        shown = []
        clear = pictures.clear and format != "JPEG"
        if clear:
            notes.clear()
        for done in range(1, len(pictures) + 1):
            path, told = next(files)
            picture = pictures.rgba(done - 1) if clear else pictures[done - 1]
            notes += save_generated(picture, path, source=generated, quality=quality, graph=graph)
            shown.append(told)
            progress.at(done, len(pictures))
        if notes:
            progress.say("; ".join(dict.fromkeys(notes)))
        return io.NodeOutput(ui={"images": shown})
