"""One person made of two."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, TINY, learn_sample, sample_photos


def mixed_people(g: Graph) -> None:
    base = g.checkpoint("The small model", TINY)
    ada, ada_found = sample_photos(g, "ada", 50, "male")
    learn_ada = learn_sample(g, base, "ada", ada, ada_found, "tiny-selective")
    eve, eve_found = sample_photos(g, "eve", 44, "male")
    learn_eve = learn_sample(g, base, "eve", eve, eve_found, "tiny-selective")
    mix = g.node(
        "FaceAMixPeople",
        identity=learn_ada["identity"],
        identity_2=learn_eve["identity"],
        how="eyes: ada, rest: eve",
    )
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
        identity=mix["identity"],
        seed=1,
    )
    save = g.node("FaceASaveImage", "The result", images=compose["image"])
    change = g.larger("Before and after", compose["before_after"], wide=LOOK, high=266)

    start = g.note(
        "Start here",
        """
        ## One person made of two

        Press **Run**. Two persons are learned; then somebody with the eyes of the one and all
        else of the other is painted into a picture. Nothing is downloaded.
        """,
    )
    about = g.note(
        "Parts, or a blend",
        """
        In `how` of *Mix People*: `eyes: ada, rest: eve`, by the names they were learned under;
        *Attribute Detect* has to look for the parts. With shares, `ada: 0.5, eve: 0.5`, it is a
        blend, a LoRA like any other: `save_as` keeps it. Ask everybody whose face is in it.

        The preset `tiny-selective` lets each word bring its part alone.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · Who they are", "blue", ([base, ada, ada_found, eve, eve_found],)),
        ],
        Group("2 · Learn both", "green", ([learn_ada], [learn_eve])),
        Group("3 · Mix them", "cyan", ([mix, there],)),
        Group("4 · Paint the mix", "red", ([compose],)),
        Group("5 · The result", "sand", ([save, *change, about],)),
    )
