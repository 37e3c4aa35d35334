"""What both sides are asked: three photographs that packages ship, and phrases."""

from __future__ import annotations

import numpy as np

PHRASES = ("eyes", "left eyebrow", "hair. a cup of coffee. mouth")
"""One word, two words, and three phrases in one caption, whose words must not see each other."""

MODELS = ("SwinT", "SwinB")

PICTURES = ("astronaut", "grace_hopper", "coffee")


THRESHOLDS = ((0.25, 0.2), (0.35, 0.25))
"""Least score of a box, and of a word that is read."""


def pictures() -> dict[str, np.ndarray]:
    """(H, W, 3) uint8 by name."""
    import matplotlib.cbook
    import skimage.data
    from PIL import Image

    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        hopper = np.asarray(Image.open(file).convert("RGB"))
    return {
        "astronaut": skimage.data.astronaut(),
        "grace_hopper": hopper,
        "coffee": skimage.data.coffee(),
    }
