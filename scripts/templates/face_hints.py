"""Hints for a ControlNet, drawn from the face of a picture and from somebody else's."""

from __future__ import annotations

from typing import Any

from canvas import Graph, Group, Node, Slot

PARTS = "face, eyebrows, eyes, nose, mouth"


def face_hints(g: Graph) -> None:
    scene = g.node("FaceASamplePhotos", "Somebody in a picture", person=3, photos=1, size=256)
    photos = g.node("FaceASamplePhotos", "Photos of the person", person=19, size=256)
    there = _searched(g, "Find the face in the picture", scene["context"])
    known = _searched(g, "Find the person's face", photos["photos"])

    def hints(title: str, **more: Any) -> Node:
        wires = {"image": scene["context"], "attributes": there["attributes"]}
        return g.node("FaceAFaceHints", title, **wires, **more)

    person = {"photo_attributes": known["attributes"], "photos": photos["photos"]}
    own = hints("Lines of its own face", kind="lines")
    other = hints("Lines of the person's face", kind="lines", blend=1.0, **person)
    five = hints("Keypoints, half way", kind="keypoints", blend=0.5, **person)
    edges = hints("Lines, edges around the head", kind="lines and edges", blend=1.0, **person)
    shown = [
        g.picture("The picture", scene["context"]),
        g.picture("The person", photos["photos"]),
    ]
    looks = [
        g.picture("Its own face", own["hint"]),
        g.picture("The person's face", other["hint"]),
        g.picture("Keypoints", five["hint"]),
        g.picture("Lines and edges", edges["hint"]),
    ]

    start = g.note(
        "Start here",
        """
        ## Hints for a ControlNet

        Press **Run**. *Face Hints* draws what a ControlNet is told of a face: its own shape, or
        that of the person in the photos, moved onto it. Nothing is downloaded.
        """,
    )
    about = g.note(
        "How to use a hint",
        """
        `hint` → *Apply ControlNet* → `positive` of *Inpaint Compose*, which cuts it to each
        face. `mask` covers both heads: wire it where the person's face is wider. `keypoints`
        are InstantID's.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · A picture and a person", "blue", ([scene, photos, there, known],)),
        ],
        Group("What there is", "sand", (shown,)),
        Group("2 · Draw", "cyan", ([own, other, about], [five, edges])),
        Group("3 · The hints", "green", (looks[:2], looks[2:])),
    )


def _searched(g: Graph, title: str, images: Slot) -> Node:
    return g.node(
        "FaceAAttributeDetect",
        title,
        folded=True,
        images=images,
        words="custom",
        custom_words=PARTS,
        detector="tiny",
        on_missing="pass",
    )
