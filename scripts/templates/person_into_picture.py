"""A person into a picture, as an app: a form in place of the canvas."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, SD15, SD15_URL, learn_and_paint


def person_into_picture(g: Graph) -> None:
    """An app: the front end shows a form, and behind it this graph."""
    photos = [
        g.node("LoadImage", f"Photo {number}", image=f"photo-{number}.jpg") for number in (1, 2, 3)
    ]
    two = g.node("ImageBatch", folded=True, image1=photos[0]["IMAGE"], image2=photos[1]["IMAGE"])
    three = g.node("ImageBatch", folded=True, image1=two["IMAGE"], image2=photos[2]["IMAGE"])
    found = g.node(
        "FaceAAttributeDetect",
        "Find face and parts",
        folded=True,
        images=three["IMAGE"],
        words="custom",
        custom_words="eyes, nose, mouth",
    )
    base = g.checkpoint("Stable Diffusion 1.5, inpainting", SD15, SD15_URL)
    train, apply, target, there, compose = learn_and_paint(
        g, base, three["IMAGE"], found["attributes"], class_noun="person"
    )
    save = g.node("FaceASaveImage", "The result", wide=LOOK, images=compose["image"])
    boxes = g.picture("What was found", found["preview"])
    change = g.picture("Before and after", compose["before_after"], wide=LOOK)
    sheet = g.picture("The person, while training", train["previews"], wide=LOOK)
    start = g.note(
        "Start here",
        f"""
        ## A person into a picture

        Three photos of one person, a name, a picture: the person is learned once, and painted
        into the picture. A newer ComfyUI shows this as a form (**App**); here is what is behind.

        `{SD15}` goes into `models/checkpoints`. Learning wants a graphics card.

        Photos 2 and 3 are cut to the shape of photo 1. Where that cuts into a face, take
        *2-train-and-paint-yourself*, in which each photo keeps its shape.
        """,
    )
    g.lay_out(
        Group("1 · The photos", "blue", (photos,)),
        Group("2 · Find the face", "cyan", ([base, two, three, found, boxes, start],)),
        Group("3 · Learn the person", "green", ([train],)),
        Group("4 · Paint the person in", "red", ([apply, target, there], [compose])),
        Group("5 · The result", "sand", ([save, change, sheet],)),
    )
    asked = {
        **{(photo, "image"): photo.title for photo in photos},
        (train, "name"): "A name for the person",
        (train, "class_noun"): "woman, man, girl …",
        (target, "image"): "The picture to paint into",
        (compose, "seed"): "Another try: another number",
    }
    g.app = asked, [save]
