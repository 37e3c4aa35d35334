"""FaceA Load Photos: a folder of photos, each in its own size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comfy_api.latest import io

from ..facea_core.errors import FaceAError
from ..facea_core.io.captions import caption_of
from ..facea_core.io.photos import (
    BY_NAME,
    MOST,
    ORDERS,
    name_in,
    photo_files,
    photos_fingerprint,
    read_photos,
)
from ..facea_core.settings import check_text
from .host import Progress, image_out, input_folder, own_choices, schema

SAID = 3
"""So many files that were left out are named on the node; the report names all."""


class FaceALoadPhotos(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceALoadPhotos",
            display_name="FaceA Load Photos (folder of portraits)",
            category="FaceA",
            description="Loads the photos of a folder as a list, each at its own size, upright "
            "and in sRGB. Unreadable files are skipped and reported.",
            search_aliases=["load images from folder", "image directory", "batch load", "heic"],
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.String.Input(
                    "folder", default="photos",
                    tooltip="A folder in ComfyUI's input folder, or the full path of any other. "
                    "Empty = the input folder itself.",
                ),
                io.Combo.Input(
                    "order", options=list(ORDERS), default=BY_NAME,
                    tooltip="By name (photo2 before photo10), or by modification time.",
                ),
                io.Int.Input(
                    "limit", default=0, min=0, max=MOST,
                    tooltip="Maximum number of photos, the first ones in that order. 0 = all.",
                ),
                io.Boolean.Input(
                    "subfolders", default=False,
                    tooltip="Also load photos from subfolders.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images", is_output_list=True,
                    tooltip="The photos as a list; FaceA nodes treat them as photos of one "
                    "person.",
                ),
                io.String.Output(
                    display_name="names", is_output_list=True,
                    tooltip="The file name of each photo.",
                ),
                io.Int.Output(display_name="count", tooltip="Number of loaded photos."),
                io.String.Output(
                    display_name="report",
                    tooltip="Sizes, conversions, and skipped files, as JSON.",
                ),
                io.String.Output(
                    display_name="captions", is_output_list=True,
                    tooltip="The text of photo.txt beside photo.jpg, for each photo; empty if "
                    "there is none.",
                ),
            ],
        )  # fmt: skip

    validate_inputs = own_choices("order")

    @classmethod
    def fingerprint_inputs(
        cls, folder: str | None = None, subfolders: bool = False, **_: Any
    ) -> str | float:
        # Of a wired folder the name is not told here; NaN is never what it was.
        if not isinstance(folder, str):
            return float("nan")
        return photos_fingerprint(input_folder(folder), deep=bool(subfolders))

    @classmethod
    def execute(cls, folder: str, order: str, limit: int, subfolders: bool) -> io.NodeOutput:
        place = input_folder(check_text("folder", folder))
        files = photo_files(place, order, deep=subfolders)
        progress = Progress(len(files), cls.hidden.unique_id)
        images, captions, loaded, left_out = [], [], [], []
        for photo in read_photos(files, limit, progress.at):
            name = name_in(place, photo.path)
            if photo.image is None:
                left_out.append({"file": name, "reason": photo.notes[0]})
                continue
            images.append(image_out([photo.image]))
            caption, notes = _caption(photo.path)
            captions.append(caption)
            height, width = photo.image.shape[-2:]
            about = {"width": width, "height": height, "notes": [*photo.notes, *notes]}
            loaded.append({"file": name, **about})
        progress.say(_line(len(images), [one["reason"] for one in left_out]))
        report = {"folder": folder, "photos": loaded, "left_out": left_out}
        return io.NodeOutput(
            images, [one["file"] for one in loaded], len(images), json.dumps(report, indent=2),
            captions,
        )  # fmt: skip


def _caption(photo: Path) -> tuple[str, list[str]]:
    """The caption beside a photo, or why it cannot be read: a bad one takes no photo away."""
    try:
        return caption_of(photo), []
    except FaceAError as error:
        return "", [str(error)]


def _line(count: int, reasons: list[str]) -> str:
    more = len(reasons) - SAID
    return "; ".join(
        [
            f"{count} photo{'s' * (count != 1)}",
            *(f"left out: {reason}" for reason in reasons[:SAID]),
            *([f"and {more} more"] if more > 0 else []),
        ]
    )
