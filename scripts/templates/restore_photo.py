"""A worn photo of somebody, repaired as them: painted people, and a photo of one's own."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, SD15, SD15_URL, TINY, learn_sample, sample_photos


def restore_sample(g: Graph) -> None:
    photos, found = sample_photos(g, "ben", 4, "male")
    base = g.checkpoint("The small model", TINY)
    learn = learn_sample(g, base, "ben", photos, found)
    four = g.node("FaceASamplePhotos", "Another photo of “ben”", person=4, photos=4)
    one = g.node(
        "ImageFromBatch", "The fourth, not learned from", folded=True,
        image=four["photos"], batch_index=3, length=1,
    )  # fmt: skip
    small = g.node(
        "ImageScaleBy", "Made four times smaller", folded=True,
        image=one["IMAGE"], upscale_method="area", scale_by=0.25,
    )  # fmt: skip
    worn = g.node(
        "ImageScaleBy", "… and enlarged again", folded=True,
        image=small["IMAGE"], upscale_method="bicubic", scale_by=4.0,
    )  # fmt: skip
    there = g.node(
        "FaceAAttributeDetect", "Find the face in it", folded=True, images=worn["IMAGE"],
        words="custom", custom_words="face, hair", detector="tiny", face_threshold=0.1,
        on_missing="pass",
    )  # fmt: skip
    restore = g.node(
        "FaceARestore",
        wide=260,
        image=worn["IMAGE"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        identity=learn["identity"],
        attributes=there["attributes"],
        references=photos["photos"],
        seed=1,
    )
    save = g.node("FaceASaveImage", "The result", images=restore["image"])
    strip = g.larger(
        "Photo, repaired, and damaged again", restore["strip"], wide=LOOK, high=190
    )  # fmt: skip
    truth = g.picture("As it was", one["IMAGE"], high=190)
    report = g.text("What was found", restore["report"], high=200)

    start = g.note(
        "Start here",
        """
        ## Repair a photo as the person in it

        Press **Run**. A person is learned from three photos; a fourth one is made four times
        smaller and repaired as them. Nothing is downloaded.

        *Repaired and damaged again* should look like the photo: then it is still that photo.
        """,
    )
    about = g.note(
        "What to turn",
        """
        - `strength` 0: by the damage that is found. 0.2 = little is new, 0.9 = nearly all.
        - `fidelity` 1: what the photo shows goes first; 0: the person does.
        - Small photos: `scale` 2 or 4. Scratches: a mask. Old ones: `colour` free.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · Who it is", "blue", ([base, photos, found],)),
        ],
        Group("2 · Learn the person", "green", ([learn],)),
        Group("3 · A worn photo", "cyan", ([four, one, small, worn, there],)),
        Group("4 · Repair it", "red", ([restore],)),
        Group("5 · The result", "sand", ([save, *strip], [about, truth, report])),
    )


def restore_photo(g: Graph) -> None:
    base = g.checkpoint("Stable Diffusion 1.5, inpainting", SD15, SD15_URL)
    load = g.node("FaceALoRALoader", "Who is in the photo", model=base["MODEL"], clip=base["CLIP"])
    photo = g.node("LoadImage", "The old photo", image="old-photo.jpg")
    there = g.node(
        "FaceAAttributeDetect", "Find the face in it", folded=True, images=photo["IMAGE"],
        words="custom", custom_words="face, hair", face_threshold=0.1, on_missing="pass",
    )  # fmt: skip
    restore = g.node(
        "FaceARestore",
        wide=260,
        image=photo["IMAGE"],
        model=base["MODEL"],
        clip=load["clip"],
        vae=base["VAE"],
        identity=load["identity"],
        attributes=there["attributes"],
        steps=30,
        scale=2,
    )
    save = g.node("FaceASaveImage", "The result", wide=LOOK, images=restore["image"])
    strip = g.picture("Photo, repaired, and damaged again", restore["strip"], wide=LOOK)
    report = g.text("What was found", restore["report"], high=240)
    start = g.note(
        "Start here",
        f"""
        ## Repair an old photo of your own

        1. `{SD15}` goes into `models/checkpoints` (4 GB; ComfyUI offers to fetch it).
        2. Learn the person first from three good photos: template 2-train-and-paint-yourself. In
        *Who is in the photo* choose them.
        3. In *The old photo* choose the picture, and press **Run**.

        Several people: a loader for each, `identity_2` …, `face_index` -1 in *Find the face*, and
        `match` on. Restore photos of people who would agree to it.
        """,
    )
    about = g.note(
        "What the report tells",
        """
        - `damage`: blur, noise, JPEG and how much smaller the face is than the model paints it.
        - `detail`: the share that the photo still shows. The rest is painted, not remembered.
        - `consistency`: how near the result, damaged again, is to the photo. Below 25 dB lower
        `strength` or raise `fidelity`.
        """,
    )
    g.lay_out(
        Group("Start", "violet", ([start, base],)),
        Group("1 · The photo", "blue", ([photo, there, load],)),
        Group("2 · Repair it", "red", ([restore],)),
        Group("3 · The result", "sand", ([save, strip], [report, about])),
    )
