"""FaceA Save Image: painted pictures as files that say so."""

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
            description="Saves pictures into the output folder as PNG, JPEG or WebP, with the "
            "workflow in them as Save Image does it, and with the word that a model painted them, "
            "for people and for programs.",
            search_aliases=["save jpeg", "save webp", "export image", "iptc", "provenance"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            inputs=[
                io.Image.Input("images", tooltip="The pictures to save: one, a batch or a list."),
                io.String.Input(
                    "filename_prefix", default="FaceA",
                    tooltip="How the files' names begin, with folders before it if you like: "
                    "faces/%year%-%month%-%day%. Numbers follow, and no file is written over.",
                ),
                io.Combo.Input(
                    "format", options=list(ENDINGS), default="PNG",
                    tooltip="PNG and WebP keep every pixel, WebP in smaller files; JPEG is the "
                    "smallest and loses a little.",
                ),
                io.Int.Input(
                    "quality", default=95, min=1, max=100,
                    tooltip="Of JPEG only: 95 is hard to tell from the picture itself.",
                ),
                io.Combo.Input(
                    "generated", options=list(SOURCES), default=PART,
                    tooltip="What the file says of itself: a model painted a part of it (a face "
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
