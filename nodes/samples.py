"""FaceA Sample Photos: painted people, so that the first workflow needs no file."""

from __future__ import annotations

from comfy_api.latest import io

from ..facea_core import demo
from .host import image_out, plain_numbers, schema


class FaceASamplePhotos(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="FaceASamplePhotos",
            display_name="FaceA Sample Photos (painted person)",
            category="FaceA",
            description="Painted photos of one made-up person, and a picture of somebody else to "
            "paint that person into. For trying FaceA without any file.",
            search_aliases=["example face", "demo person", "test photos", "drawn face"],
            inputs=[
                io.Int.Input(
                    "person", default=3, min=0, max=99999,
                    tooltip="Which person is painted. Each number is somebody else.",
                ),
                io.Int.Input(
                    "photos", default=3, min=1, max=12,
                    tooltip="How many photos of the person. Three are enough to learn from.",
                ),
                io.Int.Input(
                    "size", default=128, min=64, max=1024, step=8,
                    tooltip="Side of the pictures in pixels. facea-tiny paints at 128.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="photos", tooltip="The photos of the person."),
                io.Image.Output(
                    display_name="context", tooltip="A picture of somebody else, to paint into."
                ),
                io.String.Output(
                    display_name="class_noun", tooltip="What the person is: man or woman."
                ),
                io.String.Output(
                    display_name="description", tooltip="What the person looks like, in words."
                ),
            ],
        )  # fmt: skip

    @classmethod
    @plain_numbers
    def execute(cls, person: int, photos: int, size: int) -> io.NodeOutput:
        cast = demo.draw_cast(person, size, photos)
        pictures, context = image_out([cast.photos.image]), image_out([cast.context.image])
        return io.NodeOutput(pictures, context, cast.noun, cast.person)
