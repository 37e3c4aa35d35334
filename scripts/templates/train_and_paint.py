"""A person learned from a folder of photos, and painted into a picture of the user's own."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, SD15, SD15_URL, learn_and_paint


def train_and_paint(g: Graph) -> None:
    photos = g.node("FaceALoadPhotos", "Three photos of one person")
    found = g.node(
        "FaceAAttributeDetect",
        "Find the face and its parts",
        images=photos["images"],
        words="female",
    )
    audit = g.node(
        "FaceAPhotoAudit",
        "Are the photos good enough?",
        folded=True,
        images=photos["images"],
        attributes=found["attributes"],
    )
    base = g.checkpoint("Stable Diffusion 1.5, inpainting", SD15, SD15_URL)
    train, apply, target, there, compose = learn_and_paint(
        g, base, audit["images"], audit["attributes"], class_noun="woman"
    )
    save = g.node("FaceASaveImage", "The result", wide=LOOK, images=compose["image"])
    verdict = g.picture("Red ones are not learned from", audit["overlay"], high=290)
    prompt = g.text("The person's prompt", apply["prompt"], high=150)
    sheet = g.picture("The person, while training", train["previews"], wide=LOOK)
    change = g.picture("Before and after", compose["before_after"], wide=LOOK)

    start = g.note(
        "Start here",
        f"""
        ## Paint yourself into a picture

        1. `{SD15}` goes into `models/checkpoints` (4 GB; ComfyUI offers to fetch it). Any SD 1.5
        **inpainting** checkpoint will do.
        2. Make a folder `photos` in ComfyUI's `input` folder and put three photos of **one**
        person into it: head and shoulders, the face sharp and at least 200 pixels wide.
        3. In *Embedding Trainer* give a `name`, and say `woman`, `man`, `girl` … in `class_noun`.
        4. In *The picture to paint into* choose a picture with a face.
        5. Press **Run**. The 1000 steps want a graphics card. **Cancel** keeps what was learned.

        Use photos of yourself, or of people who said yes to exactly this use.
        """,
    )
    about_paint = g.note(
        "If the face does not fit",
        """
        - Too little likeness: `lora_strength` 1.3, or another `seed`.
        - Hair cut short: `hair_room` 0.3.
        - A visible edge: more `feather`.
        """,
    )
    g.lay_out(
        Group("Start", "violet", ([base, start, photos],)),
        Group("1 · The photos", "blue", ([found, audit, verdict],)),
        Group("2 · Learn the person", "green", ([train],)),
        Group(
            "3 · Paint the person in",
            "red",
            ([apply, target, there, prompt, about_paint], [compose]),
        ),
        Group("4 · The result", "sand", ([save, change, sheet],)),
    )
