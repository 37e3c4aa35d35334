"""What several templates share: the models they ask for, a width, and the way from photos to a
picture."""

from __future__ import annotations

from canvas import Graph, Node, Slot

TINY = "facea-tiny.safetensors"
SD15 = "sd-v1-5-inpainting.safetensors"
SD15_URL = f"https://huggingface.co/webui/stable-diffusion-inpainting/resolve/main/{SD15}"
SDXL = "sd_xl_base_1.0.safetensors"
SDXL_URL = f"https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/resolve/main/{SDXL}"

# The columns in which people look at something are wider.
LOOK = 320


def sample_photos(g: Graph, name: str, person: int, words: str) -> tuple[Node, Node]:
    """Painted photos of somebody called `name`, and what is found in them."""
    photos = g.node("FaceASamplePhotos", f"Photos of “{name}”", person=person)
    found = g.node(
        "FaceAAttributeDetect",
        f"Detect “{name}”",
        folded=True,
        images=photos["photos"],
        words=words,
        detector="tiny",
    )
    return photos, found


def learn_sample(
    g: Graph, base: Node, name: str, photos: Node, found: Node, preset: str = "tiny"
) -> Node:
    """The trainer of somebody painted."""
    return g.node(
        "FaceAEmbeddingTrainer",
        f"Learn “{name}”",
        images=photos["photos"],
        attributes=found["attributes"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        name=name,
        class_noun=photos["class_noun"],
        preset=preset,
    )


def two_sample_people(g: Graph) -> tuple[Node, list[Node], list[Node]]:
    """The small model, photos of two painted people with what is found in them, both trainers."""
    left, left_found = sample_photos(g, "left", 5, "female")
    right, right_found = sample_photos(g, "right", 4, "male")
    base = g.checkpoint("The small model", TINY)
    learn = [
        learn_sample(g, base, "left", left, left_found),
        learn_sample(g, base, "right", right, right_found),
    ]
    return base, [left, left_found, right, right_found], learn


def learn_and_paint(
    g: Graph, base: Node, images: Slot, attributes: Slot, *, class_noun: str
) -> tuple[Node, Node, Node, Node, Node]:
    """A person learned from photos, and painted into a picture of the user's own.

    The nodes that train, load, open the picture, find its face, and paint.
    """
    train = g.node(
        "FaceAEmbeddingTrainer",
        wide=LOOK,
        images=images,
        attributes=attributes,
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        name="person",
        class_noun=class_noun,
        preset="paper",
        auto_captions=True,
    )
    apply = g.node(
        "FaceALoRALoader", model=base["MODEL"], clip=base["CLIP"], identity=train["identity"]
    )
    return train, apply, *paint_into_own(g, base, apply)


def paint_into_own(g: Graph, base: Node, apply: Node) -> tuple[Node, Node, Node]:
    """Whom `apply` loads, painted into a picture of the user's own.

    The nodes that open the picture, find its face, and paint.
    """
    target = g.node("LoadImage", "The picture to paint into", image="my-picture.jpg")
    there = g.node(
        "FaceAAttributeDetect",
        "Find the face in it",
        folded=True,
        images=target["IMAGE"],
        words="custom",
        custom_words="face",
    )
    compose = g.node(
        "FaceAInpaintCompose",
        wide=260,
        image=target["IMAGE"],
        model=apply["model"],
        clip=apply["clip"],
        vae=base["VAE"],
        prompt=apply["prompt"],
        attributes=there["attributes"],
        steps=30,
    )
    return target, there, compose
