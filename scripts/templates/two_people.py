"""Two people in one picture."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, two_sample_people


def two_people(g: Graph) -> None:
    base, who, learn = two_sample_people(g)
    left, _, right, _ = who
    scene = g.node(
        "ImageStitch",
        "Two people side by side",
        image1=left["context"],
        image2=right["context"],
    )
    found = g.node(
        "FaceAAttributeDetect",
        "Every face, left to right",
        images=scene["IMAGE"],
        words="custom",
        custom_words="face",
        detector="tiny",
        face_order="left-to-right",
        face_index=-1,
    )
    compose = g.node(
        "FaceAInpaintCompose",
        wide=260,
        image=scene["IMAGE"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        attributes=found["attributes"],
        identity=learn[0]["identity"],
        identity_2=learn[1]["identity"],
        seed=2,
        # Close enough that no neighbour is in the crop: the small model knows one person only.
        context_factor=1.2,
    )
    save = g.node("FaceASaveImage", "The result", images=compose["image"])
    boxes = g.picture("Numbered from left to right", found["preview"])
    change = g.larger("Before and after", compose["before_after"], wide=LOOK, high=266)

    start = g.note(
        "Start here",
        """
        ## Two people in one picture

        Press **Run**. Two persons are learned under two names, then each takes one face of a
        picture with two people. Nothing is downloaded; it takes about twice as long as the
        first run.

        With photographs it is the same: replace the two *Sample Photos* by your photos and the
        small model by an SD 1.5 inpainting checkpoint.
        """,
    )
    about_faces = g.note(
        "Which face is whose?",
        """
        `face_index` −1 keeps every face, and `face_order` numbers them from left to right. In
        *Inpaint Compose* the first one (0 in the picture above) takes `identity`, the next
        `identity_2`, and so on. No LoRA Loader: each goes into the model for one face alone.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · Who they are", "blue", ([base, *who],)),
        ],
        Group("2 · Learn both", "green", ([learn[0]], [learn[1]])),
        Group("3 · The picture", "cyan", ([scene, found, about_faces],)),
        Group("4 · Paint both in", "red", ([compose],)),
        Group("5 · The result", "sand", ([save, *change, boxes],)),
    )
