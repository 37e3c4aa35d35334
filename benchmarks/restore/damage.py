"""`python -m benchmarks.restore.damage`: how well damage is told from the picture alone.

Paintings of people and crops of photographs that nothing was tuned on, in every combination of the
damages. `hidden`: the small pictures were enlarged again, and nobody says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from PIL import Image
from scipy.stats import spearmanr
from skimage import data
from torch import Tensor

from facea_core.cli.talk import say
from facea_core.io.images import crop, from_pil
from facea_core.restoring.degrade import Damage, degrade, enlarged
from facea_core.restoring.estimate import estimate_damage
from facea_core.seeds import seeded
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.types import Box

from ..likeness.subjects import UNSEEN

SIDE = 256
DAMAGES = [Damage(*each) for each in itertools.product((1, 2, 4), (0, 1, 2, 4), (0, 5, 10, 20))]
CORNERS = {
    "astronaut": (60, 10),
    "chelsea": (100, 40),
    "coffee": (200, 60),
    "grace_hopper": (130, 90),
}


def painting(number: int) -> Tensor:
    generator = seeded(UNSEEN + number)
    return paint(sample_people(1, generator), sample_scenes(1, generator), SIDE).image


def photograph(name: str) -> Tensor:
    x, y = CORNERS[name]
    if name == "grace_hopper":
        image = from_pil(Image.open(Path(get_data_path(), "sample_data", "grace_hopper.jpg")))
    else:
        image = from_pil(Image.fromarray(getattr(data, name)()))
    return crop(image, Box(x, y, x + SIDE, y + SIDE)).flip(-1)


def told(images: Iterable[Tensor], jpeg: int | None = None, hidden: bool = False) -> str:
    """Rank correlations of truth and estimate, and how often JPEG and grey were told rightly."""
    pairs = []
    for i, (image, each) in enumerate(itertools.product(images, DAMAGES)):
        damage = replace(each, jpeg=jpeg, grey=i % 2 == 1)
        small = degrade(image, damage, seed=i)
        seen = (enlarged(small, (SIDE, SIDE)) if hidden else small).mul(255).round() / 255
        side = seen.shape[-1]
        pairs.append((damage, estimate_damage(seen, Box(0, 0, side, side), SIDE)))
    line = ""
    for name in ("scale", "blur", "noise"):
        truth, found = zip(*((getattr(a, name), getattr(b, name)) for a, b in pairs), strict=True)
        line += f"  {name} {float(np.asarray(spearmanr(truth, found))[0]):.2f}"
    near = np.mean([abs((a.jpeg or 100) - (b.jpeg or 100)) <= 15 for a, b in pairs])
    return f"{line}  jpeg {near:.0%}  grey {np.mean([a.grey == b.grey for a, b in pairs]):.0%}"


if __name__ == "__main__":
    sets = {f"people {first}+": [painting(first + i) for i in range(4)] for first in (0, 100)}
    sets["photographs"] = [photograph(name) for name in CORNERS]
    for (name, images), jpeg in itertools.product(sets.items(), (None, 80, 50)):
        say(f"{name}, JPEG {jpeg}: {told(images, jpeg)}")
    for (name, images), jpeg in itertools.product(sets.items(), (None, 80, 50)):
        say(f"{name}, hidden, JPEG {jpeg}: {told(images, jpeg, hidden=True)}")
