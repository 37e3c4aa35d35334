"""Everybody in a folder of folders learned, and each painted into a picture of the user's own."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, SD15, SD15_URL, paint_into_own


def train_folder(g: Graph) -> None:
    base = g.checkpoint("Stable Diffusion 1.5, inpainting", SD15, SD15_URL)
    train = g.node(
        "FaceATrainFolder",
        "Learn everybody in the folder",
        wide=LOOK,
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        preset="paper",
        captions=True,
    )
    apply = g.node(
        "FaceALoRALoader", "One after the other", model=base["MODEL"], clip=base["CLIP"],
        identity=train["identities"],
    )  # fmt: skip
    target, there, compose = paint_into_own(g, base, apply)
    save = g.node("FaceASaveImage", "A picture of each", wide=LOOK, images=compose["image"])
    table = g.text("What became of everybody", train["table"], wide=LOOK, high=200)
    start = g.note(
        "Start here",
        f"""
        ## Train everybody of whom there are photos

        1. `{SD15}` goes into `models/checkpoints` (4 GB; ComfyUI offers to fetch it). Any SD 1.5
        **inpainting** checkpoint will do.
        2. Make a folder `people` in ComfyUI's `input` folder, and in it a folder for each person:
        `ada`, `ben` … Each is called as the folder is. Put three photos or more into each.
        3. Beside the photos `class.txt` may say what the person is: `woman`, `man`. For those
        without it `class_noun` does.
        4. In *The picture to paint into* choose a picture with a face, and press **Run**.

        Use photos of people who said yes to exactly this use.
        """,
    )
    about = g.note(
        "Cancel, and go on",
        """
        - 1000 steps for each want a graphics card. **Cancel** keeps what was learned: run it again,
        and it goes on there.
        - Who is learned already is found, at no cost: put in another person and run it again.
        - Who cannot be learned is in the table, with the reason; the others go on.
        """,
    )
    g.lay_out(
        Group("Start", "violet", ([base, start],)),
        Group("1 · Learn everybody", "green", ([train, about],)),
        Group("2 · Paint each in", "red", ([apply, target, there], [compose])),
        Group("3 · The result", "sand", ([save, table],)),
    )
