"""An identity beside an image adapter: where its node goes, and what its mask is."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, TINY, learn_sample, sample_photos


def image_adapter(g: Graph) -> None:
    person, parts = sample_photos(g, "left", 5, "female")
    base = g.checkpoint("The small model", TINY)
    learn = learn_sample(g, base, "left", person, parts)
    other = g.node("FaceASamplePhotos", "Somebody beside them", folded=True, person=4)
    scene = g.node(
        "ImageStitch",
        "Two people side by side",
        folded=True,
        image1=person["context"],
        image2=other["context"],
    )
    found = g.node(
        "FaceAAttributeDetect",
        "The left one's face",
        images=scene["IMAGE"],
        words="custom",
        custom_words="face",
        detector="tiny",
        face_order="left-to-right",
        face_index=0,
    )
    mask = g.node("MaskToImage", "… to look at", folded=True, mask=found["face_mask"])
    shown = g.picture("For the adapter's mask", mask["IMAGE"], high=200)
    adapter = g.node(
        "RescaleCFG",
        "Your image adapter goes here",
        model=base["MODEL"],
        multiplier=0.0,
    )
    compose = g.node(
        "FaceAInpaintCompose",
        wide=260,
        image=scene["IMAGE"],
        model=adapter["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        attributes=found["attributes"],
        identity=learn["identity"],
        seed=1,
        # Close enough that no neighbour is in the crop: the small model knows one person only.
        context_factor=1.2,
    )
    save = g.node("FaceASaveImage", "The result", images=compose["image"])
    change = g.larger("Before and after", compose["before_after"], wide=LOOK, high=266)

    start = g.note(
        "Start here",
        """
        ## A person and an image adapter

        Press **Run**: a learned person is painted over the left face. Nothing is downloaded.

        IP-Adapter, PuLID and InstantID patch a **MODEL**. Theirs belongs between the checkpoint
        and *Inpaint Compose*, here where *Your image adapter goes here* stands, which does
        nothing at 0.
        """,
    )
    about = g.note(
        "Put your adapter here",
        """
        1. Add your pack's node (*IPAdapter Advanced*, *Apply PuLID* …) in place of the node above:
        `MODEL` in from the checkpoint, out to *Inpaint Compose*.
        2. Its `attn_mask` is `face_mask` of *The left one's face*: a mask of the **whole**
        picture. *Inpaint Compose* cuts it to the crop; its report says so.
        3. Weight, start and end hold as you set them. Beside an identity begin with 0.4 to 0.6.

        The trainer stays at the checkpoint itself. With photographs: *SD 1.5 inpainting* and an
        adapter for SD 1.5.
        """,
        wide=300,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · Who it is", "blue", ([base, person, parts],)),
        ],
        Group("2 · Learn the person", "green", ([learn],)),
        Group("3 · The picture", "cyan", ([other, scene, found, mask, shown],)),
        Group("4 · The adapter", "sand", ([adapter, about],)),
        Group("5 · Paint the person in", "red", ([compose],)),
        Group("6 · The result", "sand", ([save, *change],)),
    )
