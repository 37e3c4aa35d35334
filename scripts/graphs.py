"""The workflows in words: which nodes, which wires, and what the notes beside them say."""

from __future__ import annotations

from collections.abc import Callable

from build_workflows import Graph, Group, Node, Slot

TINY = "facea-tiny.safetensors"
SD15 = "sd-v1-5-inpainting.safetensors"
SD15_URL = f"https://huggingface.co/webui/stable-diffusion-inpainting/resolve/main/{SD15}"
SDXL = "sd_xl_base_1.0.safetensors"
SDXL_URL = f"https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/resolve/main/{SDXL}"

# The columns in which people look at something are wider.
LOOK = 320


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
    path = g.text("Saved among the LoRAs as", train["path"], high=88)
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
        Group(
            "4 · Paint it into another picture", "red", ([apply, target, path], [compose, prompt])
        ),
        Group("5 · The result", "sand", ([save, *change, sheet],)),
    )


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
    )
    apply = g.node(
        "FaceALoRALoader", model=base["MODEL"], clip=base["CLIP"], identity=train["identity"]
    )
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
    return train, apply, target, there, compose


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
    report = g.text("What the training says", train["report"], high=130)
    prompt = g.text("The person's prompt", apply["prompt"], high=110)
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
            ([apply, target, there, report, about_paint], [compose, prompt]),
        ),
        Group("4 · The result", "sand", ([save, change, sheet],)),
    )


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


def two_people(g: Graph) -> None:
    def photos_of(name: str, person: int, words: str) -> tuple[Node, Node]:
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

    left, left_found = photos_of("left", 5, "female")
    right, right_found = photos_of("right", 4, "male")
    base = g.checkpoint("The small model", TINY)

    def training(name: str, photos: Node, found: Node) -> Node:
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
            preset="tiny",
        )

    learn_left = training("left", left, left_found)
    learn_right = training("right", right, right_found)
    scene = g.node(
        "ImageStitch",
        "Two people side by side",
        image1=left["context"],
        image2=right["context"],
    )
    found = g.node(
        "FaceAAttributeDetect",
        "Every face, left to right",
        images=scene["IMAGE"],
        words="custom",
        custom_words="face",
        detector="tiny",
        face_order="left-to-right",
        face_index=-1,
    )
    compose = g.node(
        "FaceAInpaintCompose",
        wide=260,
        image=scene["IMAGE"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        attributes=found["attributes"],
        identity=learn_left["identity"],
        identity_2=learn_right["identity"],
        seed=1,
        # Close enough that no neighbour is in the crop: the small model knows one person only.
        context_factor=1.2,
    )
    save = g.node("FaceASaveImage", "The result", images=compose["image"])
    boxes = g.picture("Numbered from left to right", found["preview"])
    change = g.larger("Before and after", compose["before_after"], wide=LOOK, high=266)

    start = g.note(
        "Start here",
        """
        ## Two people in one picture

        Press **Run**. Two persons are learned under two names, then each takes one face of a
        picture with two people. Nothing is downloaded; it takes about twice as long as the
        first run.

        With photographs it is the same: replace the two *Sample Photos* by your photos and the
        small model by an SD 1.5 inpainting checkpoint.
        """,
    )
    about_faces = g.note(
        "Which face is whose?",
        """
        `face_index` −1 keeps every face, and `face_order` numbers them from left to right. In
        *Inpaint Compose* the first one (0 in the picture above) takes `identity`, the next
        `identity_2`, and so on.
        """,
    )
    about_compose = g.note(
        "No LoRA Loader here",
        """
        Each person goes into the model for one face alone.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · Who they are", "blue", ([base, left, left_found, right, right_found],)),
        ],
        Group("2 · Learn both", "green", ([learn_left], [learn_right])),
        Group("3 · The picture", "cyan", ([scene, found, about_faces],)),
        Group("4 · Paint both in", "red", ([compose, about_compose],)),
        Group("5 · The result", "sand", ([save, *change, boxes],)),
    )


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


GRAPHS: dict[str, Callable[[Graph], None]] = {
    "1-first-run": first_run,
    "2-train-and-paint-yourself": train_and_paint,
    "3-sdxl-scene": sdxl_scene,
    "4-two-people": two_people,
    "5-stock-nodes": stock_nodes,
    "6-a-person-into-a-picture.app": person_into_picture,
}
