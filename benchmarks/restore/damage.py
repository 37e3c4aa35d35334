"""`python -m benchmarks.restore.damage`: how well damage is told from the picture alone.

Every combination of the damages, on paintings of people and crops of photographs that nothing was
tuned on. `hidden`: the small pictures were enlarged again, and nobody says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from facea_core.cli.talk import say
from facea_core.io.images import crop
from facea_core.restoring.degrade import Damage, degrade, enlarged
from facea_core.restoring.estimate import estimate_damage
from facea_core.seeds import seeded
from facea_core.synthetic.render import paint, sample_people, sample_scenes
from facea_core.types import Box

from ..likeness.subjects import UNSEEN

SIDE = 256
SCALES, BLURS, NOISES = (1, 2, 4), (0, 1, 2, 4), (0, 5, 10, 20)


def photographs() -> dict[str, Tensor]:
    """Squares of SIDE pixels of photographs that packages ship, mirrored."""
    from skimage import data

    corners = {"astronaut": (60, 10), "chelsea": (100, 40), "coffee": (200, 60)}
    pictures = {}
    for name, (x, y) in corners.items():
        image = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None].float() / 255
        pictures[name] = crop(image, Box(x, y, x + SIDE, y + SIDE)).flip(-1)
    return pictures


def told(pictures: Mapping[str, Tensor], qualities: Sequence[int | None], hidden: bool) -> str:
    """A line: rank correlations of truth and estimate, and what became of JPEG."""
    pairs: list[tuple[Damage, Damage]] = []
    for image, scale, blur, noise, jpeg in itertools.product(
        pictures.values(), SCALES, BLURS, NOISES, qualities
    ):
        damage = Damage(scale, blur, noise, jpeg)
        small = degrade(image, damage, seed=len(pairs))
        small = (enlarged(small, (SIDE, SIDE)) if hidden else small).mul(255).round() / 255
        height, width = small.shape[-2:]
        pairs.append((damage, estimate_damage(small, Box(0, 0, width, height), SIDE)))
    found = [f"{name} {_ranks([(getattr(a, name), getattr(b, name)) for a, b in pairs]):.3f}"
             for name in ("scale", "blur", "noise")]  # fmt: skip
    off = [abs((a.jpeg or 100) - (b.jpeg or 100)) for a, b in pairs]
    near = np.mean([one <= 15 for one in off])
    grey = np.mean([a.grey == b.grey for a, b in pairs])
    return "  ".join([*found, f"jpeg ±{np.median(off):.0f}, {near:.0%} within 15, grey {grey:.0%}"])


def _ranks(pairs: Sequence[tuple[float, float]]) -> float:
    from scipy.stats import spearmanr

    truth, found = zip(*pairs, strict=True)
    return float(np.asarray(spearmanr(truth, found))[0])


def paintings(numbers: Sequence[int]) -> dict[str, Tensor]:
    """One picture of SIDE pixels of each person."""
    pictures = {}
    for number in numbers:
        generator = seeded(UNSEEN + number)
        person, scene = sample_people(1, generator), sample_scenes(1, generator)
        pictures[str(number)] = paint(person, scene, SIDE).image
    return pictures


def main() -> None:
    for name, pictures in (
        ("paintings 0-3", paintings(range(4))),
        ("paintings 100-103", paintings(range(100, 104))),
        ("photographs", photographs()),
    ):
        say(f"{name}, no JPEG      {told(pictures, (None,), hidden=False)}")
        say(f"{name}, JPEG 80, 40  {told(pictures, (80, 40), hidden=False)}")
        say(f"{name}, hidden       {told(pictures, (None,), hidden=True)}")


if __name__ == "__main__":
    main()
