"""Every seed is another one, also beyond the 32 bits that torch's generator reads."""

import re
from itertools import chain
from pathlib import Path

import pytest
import torch

from benchmarks.likeness.subjects import UNSEEN
from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.composing import ComposeConfig, candidate_seed, inpaint
from facea_core.demo import draw_cast
from facea_core.seeds import seeded, short_seed
from facea_core.synthetic.parameters import sample_people

ROOT = Path(__file__).parents[2]
LONG = 2**32 + 7
"""Its lower half is 7."""


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**32 - 1])
def test_a_short_seed_is_torchs_own(seed: int):
    assert short_seed(seed) == seed
    torchs = torch.Generator().manual_seed(seed)
    assert torch.equal(torch.rand(3, generator=seeded(seed)), torch.rand(3, generator=torchs))


def test_long_seeds_are_apart_from_their_lower_halves_and_each_other():
    seeds = [base + n for base in (0, 2**32, 5 * 2**32, 2**53, 2**64 - 50) for n in range(50)]
    firsts = {float(torch.rand((), generator=seeded(s), dtype=torch.float64)) for s in seeds}
    assert len(firsts) == len(seeds)
    # Whoever changes this changes every picture with such a seed.
    assert short_seed(LONG) == 0xFC6C_C42F


def test_a_long_seed_paints_another_picture(backbone: Backbone):
    image, mask = torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32)
    said = backbone.text.encode(["a face"])
    few = ComposeConfig(steps=1)
    long, short, again = (
        inpaint(backbone, said, None, image, mask, few, seed) for seed in (LONG, 7, LONG)
    )
    assert torch.equal(long, again)
    assert not torch.equal(long, short)
    one, other = (random_backbone(seed).unet.conv_in.weight for seed in (LONG, 7))
    assert not torch.equal(one, other)
    assert draw_cast(LONG, 64, 1).person != draw_cast(7, 64, 1).person


def test_candidates_keep_the_noise_that_they_had_and_differ():
    for seed in (0, 7, 2**32 - 1):
        noise = [candidate_seed(seed, n) for n in range(64)]
        assert len({short_seed(one) for one in noise}) == 64
        assert noise[1] == (seed + 0x7F4A_7C15) % 2**32
    assert candidate_seed(LONG, 1) > 2**32


def test_no_person_of_the_benchmark_is_in_a_pool_of_pre_training_or_a_demo():
    """Pools have the seeds 1009 n + 1 and on: their first people are compared, for 80 pieces."""
    numbers = range(1000)
    people = {tuple(sample_people(1, seeded(UNSEEN + n))[0].tolist()) for n in numbers}
    assert len(people) == len(numbers)
    pools = chain.from_iterable((1009 * n + k for k in range(1, 9)) for n in range(80))
    others = [*pools, *range(1000), *(0x5EED_0000 + n for n in range(1000)), 7_000_001]
    drawn = {tuple(sample_people(1, seeded(seed))[0].tolist()) for seed in others}
    assert people.isdisjoint(drawn)
    # As far as settings go: 1,000 people from number 10^6 on.
    assert UNSEEN + 10**6 + 1000 < 2**32


def test_nobody_seeds_a_generator_with_less_than_the_whole_seed():
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("facea_core", "nodes")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "seeds.py"
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"manual_seed\((?!\d+\)|UNSEEN|short_seed)", line)
    ]
    assert found == []
