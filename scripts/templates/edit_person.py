"""One attribute of a person changed."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, TINY, learn_sample, sample_photos


def edit_person(g: Graph) -> None:
    base = g.checkpoint("The small model", TINY)
    photos, found = sample_photos(g, "ada", 50, "male")
    learn = learn_sample(g, base, "ada", photos, found)
    edit = g.node(
        "FaceAEdit",
        wide=260,
        image=photos["photos"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        attributes=found["attributes"],
        identity=learn["identity"],
        edit="an open mouth",
        seed=1,
    )
    save = g.node("FaceASaveImage", "The result", images=edit["image"])
    change = g.larger("Before and after", edit["before_after"], wide=LOOK, high=266)

    start = g.note(
        "Start here",
        """
        ## Change one thing, keep the person

        Press **Run**. A person is learned from three photos; then the mouth of each photo is
        opened, and all else stays as it is. Nothing is downloaded.
        """,
    )
    about = g.note(
        "What can be changed?",
        """
        Write it in `edit`: `smiling`, `red hair`, `a full beard`. The text says which part of
        the face it is about; `parts` or a mask say it otherwise. More of the change, less of the
        person: lower `handover`.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · Who it is", "blue", ([base, photos, found],)),
        ],
        Group("2 · Learn the person", "green", ([learn],)),
        Group("3 · Edit", "red", ([edit, about],)),
        Group("4 · The result", "sand", ([save, *change],)),
    )
