"""Many different pictures of one person, written as a set."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, TINY, learn_sample, sample_photos


def dataset(g: Graph) -> None:
    photos, found = sample_photos(g, "sample", 4, "male")
    base = g.checkpoint("The small model", TINY)
    learn = learn_sample(g, base, "sample", photos, found)
    others = [
        g.node("FaceASamplePhotos", f"Hosts {n}", person=person, photos=12, folded=True)
        for n, person in enumerate((6, 8), start=1)
    ]
    hosts = g.node(
        "ImageBatch", "All hosts", folded=True,
        image1=others[0]["photos"], image2=others[1]["photos"],
    )  # fmt: skip
    sampler = g.node(
        "FaceADatasetSampler",
        wide=260,
        photos=photos["photos"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        identity=learn["identity"],
        hosts=hosts["IMAGE"],
        photo_attributes=found["attributes"],
        count=9,
        axes="scale; backdrop\nexpression: neutral, smiling, open mouth",
        format="folder, kohya",
        folder="FaceA/sample",
        consent="painted person",
        seed=1,
    )
    shown = g.picture("Their pictures", hosts["IMAGE"])
    sheet = g.larger("The kept pictures", sampler["sheet"], wide=LOOK, high=266)
    report = g.text("What was kept, and why not", sampler["report"], high=200)

    start = g.note(
        "Start here",
        """
        ## A set of pictures of one person

        Press **Run**. A person is learned and painted into 24 host pictures; the nine that are
        like them, and unlike each other, are kept and written to `output/FaceA`. Nothing is
        downloaded.

        Use photos of yourself, or of people who said yes to exactly this use, and say so in
        `consent`.
        """,
    )
    about = g.note(
        "Hosts and axes",
        """
        Hosts bring pose, light and backdrop: pictures of anybody, one face in each, more of them
        than pictures wanted. Name a folder in `hosts_folder`, or wire *Load Photos*.

        `axes`: `yaw`, `roll`, `scale`, `light`, `backdrop` are read off hosts; any other name has
        words for the prompt: `hat: none, a red hat`.

        `format` kohya is for LoRA trainers, none writes nothing.
        """,
    )
    g.lay_out(
        Group("1 · The person", "blue", ([start, base, photos, found],)),
        Group("2 · Learn the person", "green", ([learn],)),
        Group("3 · The hosts", "cyan", ([*others, hosts, shown, about],)),
        Group("4 · Sample", "red", ([sampler],)),
        Group("5 · The set", "sand", ([*sheet, report],)),
    )
