"""The first run: painted people, and the small model that comes with the pack."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, TINY


def first_run(g: Graph) -> None:
    photos = g.node("FaceASamplePhotos", "Three photos of one person", person=4)
    found = g.node(
        "FaceAAttributeDetect",
        "Detect on the photos",
        images=photos["photos"],
        detector="tiny",
    )
    base = g.checkpoint("The small model", TINY)
    train = g.node(
        "FaceAEmbeddingTrainer",
        wide=LOOK,
        images=photos["photos"],
        attributes=found["attributes"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        name="sample",
        class_noun=photos["class_noun"],
        preset="tiny",
    )
    apply = g.node(
        "FaceALoRALoader",
        model=base["MODEL"],
        clip=base["CLIP"],
        identity=train["identity"],
    )
    target = g.node(
        "FaceAAttributeDetect",
        "Detect on the other picture",
        images=photos["context"],
        words="custom",
        custom_words="face",
        detector="tiny",
    )
    compose = g.node(
        "FaceAInpaintCompose",
        wide=260,
        image=photos["context"],
        model=apply["model"],
        clip=apply["clip"],
        vae=base["VAE"],
        prompt=apply["prompt"],
        attributes=target["attributes"],
        seed=1,
        hair_room=0.4,
    )
    save = g.node("FaceASaveImage", "The result", images=compose["image"])
    boxes = g.picture("What was found", found["preview"])
    sheet = g.picture("The person, while training", train["previews"], wide=LOOK)
    prompt = g.text("The person's prompt", apply["prompt"], high=110)
    change = g.larger("Before and after", compose["before_after"], wide=LOOK, high=266)

    start = g.note(
        "Start here",
        """
        ## Your first run

        Press **Run**. Nothing is downloaded: the people are painted, and the small model that
        paints them comes with the pack. It takes about a minute on a processor.

        FaceA learns the person in three photos, and then paints that person into a picture of
        somebody else. What lies outside the repainted face stays as it was.

        **To try next**
        - another number in `person`, another person
        - another `seed` in *Inpaint Compose*: painted anew, without training again

        **Cancel** any time: the next run goes on from there. The same thing is never learned
        twice.

        The small model has only ever seen painted people. For photographs open
        *2-train-and-paint-yourself*.

        If a result looks odd, look first at *What was found*: the face, and the parts that
        `words` asks for.
        """,
    )
    g.lay_out(
        Group("1 · The photos", "violet", ([start, photos],)),
        Group("2 · Find the face", "cyan", ([base, found, boxes],)),
        Group("3 · Learn the person", "green", ([train],)),
        Group("4 · Paint it into another picture", "red", ([apply, target, prompt], [compose])),
        Group("5 · The result", "sand", ([save, *change, sheet],)),
    )
