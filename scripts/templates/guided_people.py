"""Two people and a ControlNet: each face keeps its own words, and the hint follows the crop."""

from __future__ import annotations

from canvas import Graph, Group

from .common import LOOK, two_sample_people


def guided_people(g: Graph) -> None:
    base, who, learn = two_sample_people(g)
    left, _, right, _ = who
    scene = g.node(
        "ImageStitch",
        "Two people side by side",
        folded=True,
        image1=left["context"],
        image2=right["context"],
    )
    found = g.node(
        "FaceAAttributeDetect",
        "Every face, left to right",
        folded=True,
        images=scene["IMAGE"],
        words="custom",
        custom_words="face, eyebrows, eyes, nose, mouth",
        detector="tiny",
        face_order="left-to-right",
        face_index=-1,
        on_missing="pass",
    )
    lines = g.node(
        "FaceAFaceHints",
        "Outlines of all faces",
        image=scene["IMAGE"],
        attributes=found["attributes"],
        kind="lines",
    )
    net = g.node(
        "ControlNetLoader",
        "The small ControlNet",
        control_net_name="facea-tiny-control.safetensors",
    )
    text = g.node(
        "CLIPTextEncode", "Any prompt: it is not used", folded=True, clip=base["CLIP"], text=""
    )
    apply = g.node(
        "ControlNetApplyAdvanced",
        positive=text["CONDITIONING"],
        negative=text["CONDITIONING"],
        control_net=net["CONTROL_NET"],
        image=lines["hint"],
    )
    compose = g.node(
        "FaceAInpaintCompose",
        wide=260,
        image=scene["IMAGE"],
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        attributes=found["attributes"],
        identity=learn[0]["identity"],
        identity_2=learn[1]["identity"],
        hints=apply["positive"],
        seed=1,
        # Close enough that no neighbour is in the crop: the small model knows one person only.
        context_factor=1.2,
    )
    save = g.node("FaceASaveImage", "The result", images=compose["image"])
    drawn = g.picture("The hint, of the whole picture", lines["hint"])
    change = g.larger("Before and after", compose["before_after"], wide=LOOK, high=266)

    start = g.note(
        "Start here",
        """
        ## Two people and a ControlNet

        Press **Run**. As in *4-two-people*, but the faces keep their pose: a ControlNet follows
        their outlines. Nothing is downloaded.

        The hint shows the whole picture; *Inpaint Compose* crops it for each face. Through
        `hints` each face keeps its own prompt and words.

        With photographs: SD 1.5 inpainting, a ControlNet for SD 1.5, and its `kind`.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · Who they are", "blue", ([base, *who],)),
        ],
        Group("2 · Learn both", "green", ([learn[0]], [learn[1]])),
        Group("3 · The picture and its hint", "cyan", ([scene, found, lines, net, text, apply],)),
        Group("4 · Paint both in", "red", ([compose],)),
        Group("5 · The result", "sand", ([save, *change, drawn],)),
    )
