"""FaceA Sample Photos: synthetic people, so that the first workflow needs no file."""

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
            description="Draws photos of a synthetic person, and an image of another one to "
            "paint the first into. Lets you try FaceA without any files.",
            search_aliases=["example face", "demo person", "test photos", "drawn face"],
            inputs=[
                io.Int.Input(
                    "person", default=3, min=0, max=99999,
                    tooltip="Which person to draw; each number is a different person.",
                ),
                io.Int.Input(
                    "photos", default=3, min=1, max=12,
                    tooltip="Number of photos. Three are enough for training.",
                ),
                io.Int.Input(
                    "size", default=128, min=64, max=1024, step=8,
                    tooltip="Side of the images in pixels. facea-tiny works at 128.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="photos", tooltip="The photos of the person."),
                io.Image.Output(
                    display_name="context", tooltip="An image of another person, to paint into."
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
