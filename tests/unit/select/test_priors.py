"""Priors find the true parts among noise and duplicates."""

import random

import pytest
import torch

from facea_core.attributes import attribute_table
from facea_core.detection.select import select_parts
from facea_core.synthetic.render import PARTS, paint, sample_people, sample_scenes
from facea_core.types import Box, Detection

from .boxes import halves

TRIALS = 200


@pytest.fixture(scope="module")
def truths():
    """Exact part boxes of painted people."""
    generator = torch.Generator().manual_seed(11)
    people = sample_people(TRIALS, generator)
    painting = paint(people, sample_scenes(TRIALS, generator), size=96)
    return [{part: Box(*box) for part, box in boxes.items()} for boxes in painting.boxes]


def jitter(box, rng, amount):
    dx, dy = amount * box.width, amount * box.height
    return Box(
        round(box.x0 + rng.uniform(-dx, dx)), round(box.y0 + rng.uniform(-dy, dy)),
        round(box.x1 + rng.uniform(-dx, dx)), round(box.y1 + rng.uniform(-dy, dy)),
    )  # fmt: skip


def anywhere(rng):
    width, height = rng.randint(4, 70), rng.randint(4, 70)
    x, y = rng.randint(0, 96 - width), rng.randint(0, 96 - height)
    return Box(x, y, x + width, y + height)


def noisy(truth, rng):
    """What a poor detector answers: true boxes, duplicates, and wrong ones that score higher."""
    found = []
    for part in PARTS[1:]:
        if part not in truth:
            continue
        score = rng.uniform(0.4, 0.9)
        paired = part in ("eyes", "eyebrows", "ears") and rng.random() < 0.5
        for box in halves(truth[part]) if paired else (truth[part],):
            found.append(Detection(part, jitter(box, rng, 0.06), score))
            found.append(Detection(part, jitter(box, rng, 0.15), 0.9 * score))
        other = rng.choice([name for name in truth if name not in (part, "face")])
        found.append(Detection(part, jitter(truth[other], rng, 0.05), rng.uniform(0.3, 1.0)))
        found.append(Detection(part, jitter(truth["face"], rng, 0.05), rng.uniform(0.3, 1.0)))
        if rng.random() < 0.3:
            beside = truth[part].shift(rng.choice((-1, 1)) * truth["face"].width, 0)
            found.append(Detection(part, beside, rng.uniform(0.4, 0.9)))
        found += [Detection(part, anywhere(rng), rng.uniform(0.3, 1.0)) for _ in range(4)]
    rng.shuffle(found)
    return found


def test_priors_beat_the_best_score_among_noise_and_duplicates(truths):
    rng = random.Random(0)
    table = attribute_table(PARTS[1:])
    right, naive, total = dict.fromkeys(PARTS, 0), 0, 0
    for truth in truths:
        found = noisy(truth, rng)
        face = jitter(truth["face"], rng, 0.05)
        parts = {part.attribute: part.box for part in select_parts(found, face, table)}
        for part in PARTS[1:]:
            if part not in truth:
                continue
            total += 1
            right[part] += part in parts and parts[part].iou(truth[part]) > 0.5
            best = max((one for one in found if one.phrase == part), key=lambda one: one.score)
            naive += best.box.iou(truth[part]) > 0.5
    assert sum(right.values()) / total >= 0.9, right
    assert naive / total < 0.4


def test_exact_boxes_of_every_painted_person_are_taken(truths):
    table = attribute_table(PARTS)
    for truth in truths:
        found = [Detection(part, box, 0.6) for part, box in truth.items()]
        parts = select_parts(found, truth["face"], table)
        # A fringe may leave a sliver of brow, which is rightly doubted.
        assert {part.attribute for part in parts} >= set(truth) - {"eyebrows"}
        for part in parts:
            assert part.box == truth[part.attribute]
