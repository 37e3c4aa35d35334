"""One face at three strengths of a slider."""

from __future__ import annotations

from canvas import Graph, Group, Node

from .common import LOOK, TINY


def slider(g: Graph) -> None:
    base = g.checkpoint("The small model", TINY)
    ben = g.node("FaceASamplePhotos", "A picture to paint into", person=53)
    learn_beard = g.node(
        "FaceATrainSlider",
        "Learn a full beard",
        model=base["MODEL"],
        clip=base["CLIP"],
        vae=base["VAE"],
        name="full-beard",
        positive="a photo of a man with a full beard",
        negative="a photo of a man",
        neutral="a photo of a man",
    )
    there = g.node(
        "FaceAAttributeDetect",
        "Find the face",
        folded=True,
        images=ben["context"],
        words="custom",
        custom_words="face",
        detector="tiny",
    )

    def painted(title: str, strength: float) -> tuple[list[Node], Node]:
        """A face with the slider at a strength, and the nodes on the way."""
        model, way = base["MODEL"], []
        if strength:
            loaded = g.node(
                "LoraModelLoader",
                f"The slider at {strength:+g}",
                model=model,
                lora=learn_beard["lora"],
                strength_model=strength,
            )
            model, way = loaded["MODEL"], [loaded]
        compose = g.node(
            "FaceAInpaintCompose",
            title,
            folded=True,
            image=ben["context"],
            model=model,
            clip=base["CLIP"],
            vae=base["VAE"],
            attributes=there["attributes"],
            prompt="a photo of a man",
            seed=1,
        )
        return [*way, compose], g.picture(title, compose["image"], wide=LOOK, high=266)

    less, show_less = painted("Less beard", -2.0)
    plain, show_plain = painted("As it is", 0.0)
    more, show_more = painted("More beard", 2.0)

    start = g.note(
        "Start here",
        """
        ## More or less of something

        Press **Run**. *A full beard* is learned from two prompts, without any photo; then one face
        is painted three times, with less of it, as it is, and with more.
        """,
    )
    about = g.note(
        "What is a slider?",
        """
        A small LoRA: at 1 it adds what the positive prompt says and the negative does not, at
        -1 it takes it away. It is saved among the LoRAs, for *Load LoRA* too. Use words
        that the model knows.
        """,
    )
    g.lay_out(
        [
            Group("Start", "violet", ([start],)),
            Group("1 · The model and a picture", "blue", ([base, ben, there],)),
        ],
        Group("2 · Learn the slider", "green", ([learn_beard, about],)),
        Group("3 · Paint at -2, 0 and 2", "red", ([*less, *plain, *more],)),
        Group("4 · The result", "sand", ([show_less, show_plain, show_more],)),
    )
