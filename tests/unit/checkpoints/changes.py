"""Ways in which checkpoints differ from the published ones."""

from collections.abc import Callable

from ...layouts import (
    Shapes,
    renamed,
)

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model."
ONE, TWO = "conditioner.embedders.0.", "conditioner.embedders.1."
IDS = "transformer.text_model.embeddings.position_ids"
FIRST = UNET + "input_blocks.0.0.weight"


def plus(**more: tuple[int, ...]) -> Callable[[Shapes], Shapes]:
    return lambda shapes: {**shapes, **more}


def first(channels: int) -> Callable[[Shapes], Shapes]:
    return lambda shapes: {**shapes, FIRST: (shapes[FIRST][0], channels, 3, 3)}


TO_Q = renamed(
    *[
        (rf"\.mid\.attn_1\.{old}\.", f".mid.attn_1.{new}.")
        for old, new in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0"))
    ]
)
