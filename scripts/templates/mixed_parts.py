"""Parts of two people in one face."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, TINY, learn_sample, sample_photos


def mixed_parts(g: Graph) -> None:
    base = g.checkpoint("The small model", TINY)
    ada, ada_found = sample_photos(g, "ada", 50, "male")
    learn_ada = learn_sample(g, base, "ada", ada, ada_found, "tiny-selective")
    eve, eve_found = sample_photos(g, "eve", 44, "male")
    learn_eve = learn_sample(g, base, "eve", eve, eve_found, "tiny-selective")
    there = g.node(
        "FaceAAttributeDetect",
        "Where the parts are",
        images=ada["context"],
        words="custom",
        custom_words="eyes, nose, mouth",
        detector="tiny",
    )
    compose = g.node(
        "FaceAInpaintCompose",
        wide=260,
        image=ada["context"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        attributes=there["attributes"],
        identity=learn_ada["identity"],
        identity_2=learn_eve["identity"],
        parts="eyes:ada, mouth:eve",
        seed=1,
    )
    save = g.node("FaceASaveImage", "The result", images=compose["image"])
    boxes = g.picture("The parts that were found", there["preview"])
    change = g.larger("Before and after", compose["before_after"], wide=LOOK, high=266)

    start = g.note(
        "Start here",
        """
        ## The eyes of one, the mouth of another

        Press **Run**. Two persons are learned; then the eyes of the one and the mouth of the
        other are painted into a third face, and all else stays as it is. Nothing is downloaded.
        """,
    )
    about = g.note(
        "Which part is whose?",
        """
        In `parts` of *Inpaint Compose*: `eyes:ada, mouth:eve`, by the names they were learned
        under. `nose` alone is of the person who is wired for the face. *Attribute Detect* has
        to look for the parts.

        The preset `tiny-selective` lets each word bring its part alone.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · Who they are", "blue", ([base, ada, ada_found, eve, eve_found],)),
        ],
        Group("2 · Learn both", "green", ([learn_ada], [learn_eve])),
        Group("3 · The parts", "cyan", ([there, about],)),
        Group("4 · Paint them in", "red", ([compose],)),
        Group("5 · The result", "sand", ([save, *change, boxes],)),
    )
