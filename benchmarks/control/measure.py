"""What a probe reads off a picture in which one part was repainted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from facea_core.evaluation import face_crop
from facea_core.evaluation.identity_encoder import AttributeProbe
from facea_core.types import Box

from ..likeness.journal import Row
from ..likeness.metrics import PARTS
from .truth import Host

MEASURES: Mapping[str, str] = {
    "exact": "share of repaints in which every question about the part is answered as asked",
    "leak": "change of what the probe reads of the other parts, in [0, 1]; 0 is best",
}
"""Beside the transfer, which is `gains` of people by those of their exact answers."""


@torch.no_grad()
def measured(probe: AttributeProbe, host: Host, image: Tensor) -> dict[str, float]:
    """Plain numbers of one repaint: how sure the probe is of the part as asked, and of the rest.

    `before`, `after` and `answer` are mean probabilities of the wanted labels of the part in the
    host's picture, in this one and in the exact answer.
    """
    before, after, answer = (
        _read(probe, host, one) for one in (host.before.image, image, host.answer.image)
    )
    names = PARTS[host.part]
    others = [name for part, asked in PARTS.items() if part != host.part for name in asked]

    def sure(read: Mapping[str, Tensor]) -> float:
        return fmean([float(read[name][host.wanted[name]]) for name in names])

    changes = [float((after[name] - before[name]).abs().max()) for name in others]
    return {
        "before": sure(before),
        "after": sure(after),
        "answer": sure(answer),
        "exact": float(all(int(after[n].argmax()) == host.wanted[n] for n in names)),
        "leak": fmean(changes),
    }


def of_person(rows: Sequence[Row]) -> dict[str, float]:
    """MEASURES of one person in one arm."""
    return {name: fmean([row[name] for row in rows]) for name in MEASURES}


def gains(rows: Sequence[Row]) -> tuple[float, float]:
    """How much surer the probe became of the person's parts, and how much in the exact answers.

    Sums over the repaints of one person in one arm. Their ratio is the transfer, 0 = the parts as
    they were, 1 = as in the exact answer; where there was little to change, little counts.
    """
    return (
        sum(row["after"] - row["before"] for row in rows),
        sum(row["answer"] - row["before"] for row in rows),
    )


def _read(probe: AttributeProbe, host: Host, image: Tensor) -> dict[str, Tensor]:
    crop = face_crop(image, Box(*host.before.boxes[0]["face"]), 64)
    seen: Mapping[str, Any] = probe.look(crop).classes
    return {name: answer[0].softmax(dim=0) for name, answer in seen.items()}
