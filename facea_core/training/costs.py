"""What a training of each model family needs, counted. `memory.py` plans with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """What a family needs, in numbers of the backbone's dtype.

    `unet`, `text` and `vae` are their weights; `lora` the trained numbers for each rank, by
    targets; `step` the activations of a training step for each latent pixel, by (targets,
    checkpointing): (with rank 0, more for each rank); `prompt` those of one prompt in the text
    encoders; `encode` the autoencoder's for each latent pixel of an image.
    """

    unet: int
    text: int
    vae: int
    lora: Mapping[str, int]
    step: Mapping[tuple[str, bool], tuple[int, int]]
    prompt: int
    encode: int


COSTS: Mapping[str, Costs] = {
    "facea-tiny": Costs(
        unet=5_928_004, text=501_248, vae=2_445_063,
        lora={"attention": 11_648, "wide": 55_936},
        step={
            ("attention", False): (11_320, 26), ("attention", True): (4_230, 6),
            ("wide", False): (13_000, 49), ("wide", True): (4_600, 0),
        },
        prompt=210_000, encode=17_200,
    ),
    "sd15": Costs(
        unet=859_535_364, text=123_060_480, vae=83_653_863,
        lora={"attention": 199_296, "wide": 948_096},
        step={
            ("attention", False): (100_600, 40), ("attention", True): (28_300, 6),
            ("wide", False): (115_700, 82), ("wide", True): (29_500, 19),
        },
        prompt=10_320_000, encode=41_500,
    ),
    "sd2": Costs(
        unet=865_925_124, text=340_387_840, vae=83_653_863,
        lora={"attention": 207_488, "wide": 956_288},
        step={
            ("attention", False): (95_600, 40), ("attention", True): (23_300, 6),
            ("wide", False): (115_600, 82), ("wide", True): (29_500, 19),
        },
        prompt=18_680_000, encode=41_500,
    ),
    "sdxl": Costs(
        unet=2_567_478_084, text=810_632_448, vae=83_653_863,
        lora={"attention": 1_451_520, "wide": 3_009_920},
        step={
            ("attention", False): (176_000, 38), ("attention", True): (19_300, 0),
            ("wide", False): (211_200, 72), ("wide", True): (22_500, 6),
        },
        prompt=41_530_000, encode=41_500,
    ),
}  # fmt: skip
"""By family. Weights and LoRA are exact; the rest is counted, operation by operation, on the real
modules without values (`tests/bench/bench_memory.py`), where attention keeps no L x L matrix."""
