"""Pictures of the templates in which something guides the painting."""

from __future__ import annotations

from .studio import DOCS, Studio, api, card, jpg, poster, save


def face_hints(studio: Studio) -> None:
    shown = studio.run(api("12-face-hints"))
    rows = [
        [*shown["The picture"], *shown["The person"][:1]],
        [*shown["Its own face"], *shown["The person's face"]],
        [*shown["Keypoints"], *shown["Lines and edges"]],
    ]
    captions = ["a picture and a person", "lines: its own face, and the person's", "more kinds"]
    card("12-face-hints", rows[:2], captions[:2])
    save(poster(rows, captions), DOCS / jpg("FaceHints"))


def guided_people(studio: Studio) -> None:
    shown = studio.run(api("14-controlnet-two-people"))
    card(
        "14-controlnet-two-people",
        [[*shown["The hint, of the whole picture"]], [*shown["The result"]]],
        ["a ControlNet's hint,", "followed by two people"],
    )


def image_adapter(studio: Studio) -> None:
    shown = studio.run(api("15-image-adapter"))
    card(
        "15-image-adapter",
        [[*shown["For the adapter's mask"]], [*shown["The result"]]],
        ["an image adapter's mask,", "and a person painted beside it"],
    )
