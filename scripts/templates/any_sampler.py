"""A face cut out, painted by ComfyUI's own sampler, and put back."""

from __future__ import annotations

from canvas import Graph, Group

from .common import TINY, learn_sample, sample_photos


def any_sampler(g: Graph) -> None:
    base = g.checkpoint("The small model", TINY)
    photos, found = sample_photos(g, "ada", 83, "male")
    learn = learn_sample(g, base, "ada", photos, found)
    there = g.node(
        "FaceAAttributeDetect",
        "Find the face in the picture",
        folded=True,
        images=photos["context"],
        words="custom",
        custom_words="face, hair",
        detector="tiny",
        on_missing="pass",
    )
    load = g.node(
        "FaceALoRALoader",
        folded=True,
        model=base["MODEL"],
        clip=base["CLIP"],
        identity=learn["identity"],
    )
    cut = g.node(
        "FaceAFaceCrop",
        image=photos["context"],
        attributes=there["attributes"],
        size=128,
        hair_room=0.4,
    )
    positive = g.node(
        "CLIPTextEncode", "The person", folded=True, clip=load["clip"], text=load["prompt"]
    )
    negative = g.node("CLIPTextEncode", "Nothing to avoid", folded=True, clip=load["clip"])
    condition = g.node(
        "InpaintModelConditioning",
        folded=True,
        positive=positive["CONDITIONING"],
        negative=negative["CONDITIONING"],
        vae=base["VAE"],
        pixels=cut["crop"],
        mask=cut["mask"],
        noise_mask=True,
    )
    sample = g.node(
        "KSampler",
        "Any sampler",
        model=load["model"],
        positive=condition["positive"],
        negative=condition["negative"],
        latent_image=condition["latent"],
        seed=1,
        steps=20,
        cfg=2.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
    )
    decode = g.node("VAEDecode", folded=True, samples=sample["LATENT"], vae=base["VAE"])
    paste = g.node("FaceAFacePaste", crop=decode["IMAGE"], crops=cut["crops"])
    save = g.node("FaceASaveImage", "The result", images=paste["image"])
    change = g.larger("The result, larger", paste["image"], wide=250, high=266)

    start = g.note(
        "Start here",
        """
        ## Your own sampler between two nodes

        Press **Run**. *Face Crop* cuts the face out with its mask, a plain *KSampler* paints it,
        *Face Paste* puts it back. Nothing is downloaded.
        """,
    )
    about = g.note(
        "What may stand between?",
        """
        Whatever makes an image of an image: InstantID, Flux Kontext, Qwen Image Edit, an
        upscaler, a face swap. Set `size` to what that model likes. A crop that comes back as it
        was changes nothing.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · Who it is", "blue", ([base, photos, found],)),
        ],
        Group("2 · Learn the person", "green", ([learn],)),
        Group("3 · Cut out", "cyan", ([there, cut, about],)),
        Group("4 · Paint", "red", ([load, positive, negative, condition, sample, decode],)),
        Group("5 · Put back", "sand", ([paste, save, *change],)),
    )
