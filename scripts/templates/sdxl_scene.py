"""A scene that SDXL paints, and the person in it."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, SD15, SD15_URL, SDXL, SDXL_URL


def sdxl_scene(g: Graph) -> None:
    sdxl = g.checkpoint("SDXL paints the scene", SDXL, SDXL_URL)
    positive = g.node(
        "CLIPTextEncode",
        "What the scene shows",
        high=200,
        clip=sdxl["CLIP"],
        text="photograph of a woman reading in a small bookshop, head and shoulders, looking at "
        "the camera, warm evening light, sharp focus",
    )
    negative = g.node(
        "CLIPTextEncode",
        "What it does not show",
        high=140,
        clip=sdxl["CLIP"],
        text="drawing, painting, blurry, hands over the face, sunglasses",
    )
    empty = g.node("EmptyLatentImage", width=1024, height=1024, batch_size=1)
    sample = g.node(
        "KSampler",
        model=sdxl["MODEL"],
        positive=positive["CONDITIONING"],
        negative=negative["CONDITIONING"],
        latent_image=empty["LATENT"],
        seed=1,
        steps=30,
        cfg=6.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
    )
    scene = g.node("VAEDecode", "The scene", samples=sample["LATENT"], vae=sdxl["VAE"])
    found = g.node(
        "FaceAAttributeDetect",
        "Find the face",
        images=scene["IMAGE"],
        words="custom",
        custom_words="face",
    )
    base = g.checkpoint("SD 1.5 inpainting paints the face", SD15, SD15_URL)
    apply = g.node(
        "FaceALoRALoader",
        model=base["MODEL"],
        clip=base["CLIP"],
        file="facea/person.safetensors",
    )
    compose = g.node(
        "FaceAInpaintCompose",
        wide=260,
        image=scene["IMAGE"],
        model=apply["model"],
        clip=apply["clip"],
        vae=base["VAE"],
        prompt=apply["prompt"],
        attributes=found["attributes"],
        steps=30,
    )
    save = g.node(
        "FaceASaveImage",
        "The result",
        wide=LOOK,
        images=compose["image"],
        generated="all",
    )
    boxes = g.picture("What was found", found["preview"], high=290)
    change = g.picture("Before and after", compose["before_after"], wide=LOOK, high=300)

    start = g.note(
        "Start here",
        f"""
        ## A scene by SDXL, a face by you

        The way of the paper: SDXL paints the scene with anybody in it, then the personalised
        SD 1.5 inpainting model repaints the face.

        **Needed:** `{SDXL}` (7 GB) and `{SD15}` (4 GB) in `models/checkpoints`, and a person
        trained with *2-train-and-paint-yourself*: choose its file in *LoRA Loader*.

        The prompt of the scene should name the same kind of person as the photos show, and a
        face of at least 250 pixels.
        """,
        wide=524,
    )
    about_paint = g.note(
        "If the face does not fit",
        """
        - Too little likeness: `lora_strength` up to 1.3, or another `seed` in *Inpaint Compose*.
        - Hair of the wrong person: leave `hair` on, and raise `grow`; cut short: `hair_room` 0.3.
        - A visible edge: raise `feather`; other colours: `colour_match` 1.
        - Rather keep the pose of the scene: `denoise` 0.7.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group(
                "1 · SDXL paints a scene",
                "blue",
                ([sdxl, positive, negative], [empty, sample, scene]),
            ),
        ],
        Group("2 · The face and the person", "cyan", ([found, boxes], [base, apply, about_paint])),
        Group("3 · Paint the person in", "red", ([compose],)),
        Group("4 · The result", "sand", ([save, change],)),
    )
