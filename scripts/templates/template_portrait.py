"""A person painted into several templates, the best results first."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, TINY, learn_sample, sample_photos


def template_portrait(g: Graph) -> None:
    photos, found = sample_photos(g, "sample", 4, "male")
    base = g.checkpoint("The small model", TINY)
    learn = learn_sample(g, base, "sample", photos, found)
    others = [
        g.node("FaceASamplePhotos", f"Template {n}", person=person, photos=1, folded=True)
        for n, person in enumerate((5, 9, 12), start=1)
    ]
    two = g.node(
        "ImageBatch", "Templates 1 and 2", folded=True,
        image1=others[0]["context"], image2=others[1]["context"],
    )  # fmt: skip
    three = g.node(
        "ImageBatch", "All templates", folded=True, image1=two["IMAGE"], image2=others[2]["context"]
    )
    portrait = g.node(
        "FaceATemplatePortrait",
        wide=260,
        templates=three["IMAGE"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        identity=learn["identity"],
        photos=photos["photos"],
        seed=1,
        candidates=2,
    )
    save = g.node("FaceASaveImage", "The portraits, the best first", images=portrait["images"])
    shown = g.picture("Their pictures", three["IMAGE"])
    sheet = g.larger("All of them, with scores", portrait["sheet"], wide=LOOK, high=266)

    start = g.note(
        "Start here",
        """
        ## Portraits from templates

        Press **Run**. A person is learned, and painted into three templates: pictures of other
        people. The sheet shows the best result first. Nothing is downloaded.

        For your own templates wire *Load Photos* with a folder of them; a text beside
        `beach.jpg` named `beach.txt` says what it shows, and goes from `captions` to `prompts`.

        Use photos of yourself, or of people who said yes to exactly this use.
        """,
    )
    about = g.note(
        "Several people, and which face",
        """
        Wire more people to `identity_2` … They take the largest faces from left to right, or,
        with `order` by likeness, each the face most like theirs.

        A template is left out if a face in it is small, cut or turned away; `report` says why.
        """,
    )
    g.lay_out(
        Group("1 · The person", "blue", ([start, base, photos, found],)),
        Group("2 · Learn the person", "green", ([learn],)),
        Group("3 · The templates", "cyan", ([*others, two, three, shown, about],)),
        Group("4 · Paint", "red", ([portrait],)),
        Group("5 · The result", "sand", ([save, *sheet],)),
    )
