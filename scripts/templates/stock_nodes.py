"""An identity in ComfyUI's own nodes."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, TINY


def stock_nodes(g: Graph) -> None:
    picture = g.node("FaceASamplePhotos", "A picture of somebody else", person=4)
    base = g.checkpoint("The small model", TINY)
    lora = g.node(
        "LoraLoader",
        model=base["MODEL"],
        clip=base["CLIP"],
        lora_name="facea/sample.safetensors",
        strength_model=1.0,
        strength_clip=1.0,
    )
    words = " ".join(f"embedding:sample/{part}" for part in ("eyes", "nose", "mouth"))
    positive = g.node(
        "CLIPTextEncode",
        "The person's words",
        high=130,
        clip=lora["CLIP"],
        text=f"a photo of a man with {words}",
    )
    negative = g.node("CLIPTextEncode", "Nothing to avoid", high=90, clip=lora["CLIP"])
    black = g.node("SolidMask", "Keep everything", value=0.0, width=128, height=128)
    white = g.node("SolidMask", "Repaint this much", value=1.0, width=88, height=100)
    mask = g.node(
        "MaskComposite",
        "… at this place",
        destination=black["MASK"],
        source=white["MASK"],
        x=24,
        y=14,
        operation="add",
    )
    condition = g.node(
        "InpaintModelConditioning",
        positive=positive["CONDITIONING"],
        negative=negative["CONDITIONING"],
        vae=base["VAE"],
        pixels=picture["context"],
        mask=mask["MASK"],
        noise_mask=True,
    )
    sample = g.node(
        "KSampler",
        model=lora["MODEL"],
        positive=condition["positive"],
        negative=condition["negative"],
        latent_image=condition["latent"],
        seed=1,
        steps=20,
        cfg=2.0,
        sampler_name="euler",
        scheduler="normal",
    )
    decode = g.node("VAEDecode", samples=sample["LATENT"], vae=base["VAE"])
    paste = g.node(
        "ImageCompositeMasked",
        "Back into the picture",
        destination=picture["context"],
        source=decode["IMAGE"],
        mask=mask["MASK"],
        x=0,
        y=0,
        resize_source=False,
    )
    save = g.node(
        "SaveImage",
        "The result",
        images=paste["IMAGE"],
        filename_prefix="FaceA stock",
    )
    change = g.larger("The result, larger", paste["IMAGE"], wide=LOOK, high=330)

    start = g.note(
        "Start here",
        """
        ## The identity without our nodes

        Run *1-first-run* before: it saves the LoRA `facea/sample.safetensors` and one word per
        part in `models/embeddings/sample`. ComfyUI's own nodes read both, so everything else
        that works with LoRAs and embeddings works with a FaceA identity too. If ComfyUI was open
        meanwhile, press **R** so that the lists know the new files.

        Only *Sample Photos* is ours. It stands here because its picture needs no file: put
        *Load Image* in its place for a picture of your own.
        """,
        wide=798,
    )
    about_words = g.note(
        "How to write a word",
        """
        `embedding:sample/eyes`, with a **space** before and after. Strength as usual:
        `(embedding:sample/eyes:1.2)`. Leave a word out to leave that part to chance.
        """,
    )
    about_mask = g.note(
        "The mask",
        """
        White is repainted. This box fits this one picture; for others draw a mask in *Load
        Image*, or take `face_mask` from *Attribute Detect*.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · The person", "green", ([base, lora], [positive, negative], [about_words])),
            Group(
                "2 · A picture and what to repaint",
                "blue",
                ([picture], [black, white], [mask, about_mask]),
            ),
        ],
        Group("3 · Inpaint", "red", ([condition, sample], [decode, paste])),
        Group("4 · The result", "sand", ([save, *change],)),
    )
