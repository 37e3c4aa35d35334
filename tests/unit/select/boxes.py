"""The boxes of a face."""

from facea_core.detection.select import PRIORS
from facea_core.types import Box

SIZE = (128, 128)
FACE = Box(30, 40, 90, 110)


def halves(box):
    """The two eyes (ears, brows) whose joined box this is."""
    third = round(box.width * 0.38)
    return (
        Box(box.x0, box.y0, box.x0 + third, box.y1),
        Box(box.x1 - third, box.y0, box.x1, box.y1),
    )


def part_at(name, face=FACE):
    """The box that a prior expects."""
    prior = PRIORS[name]
    width, height = (sum(limits) / 2 for limits in (prior.width, prior.height))
    return Box(
        round(face.x0 + (prior.x - width / 2) * face.width),
        round(face.y0 + (prior.y - height / 2) * face.height),
        round(face.x0 + (prior.x + width / 2) * face.width),
        round(face.y0 + (prior.y + height / 2) * face.height),
    )
