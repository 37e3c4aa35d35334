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
    "transfer": "how far the part became the person's: 0 = as before, 1 = as in the exact answer",
    "exact": "share of repaints in which every question about the part is answered as asked",
    "leak": "change of what the probe reads of the other parts, in [0, 1]; 0 is best",
}


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
    """MEASURES of one person in one arm. Transfer is a ratio of sums, so that repaints in which
    there was little to change count little."""
    gain = sum(row["after"] - row["before"] for row in rows)
    possible = sum(row["answer"] - row["before"] for row in rows)
    return {
        "transfer": gain / possible,
        "exact": fmean([row["exact"] for row in rows]),
        "leak": fmean([row["leak"] for row in rows]),
    }


def _read(probe: AttributeProbe, host: Host, image: Tensor) -> dict[str, Tensor]:
    crop = face_crop(image, Box(*host.before.boxes[0]["face"]), 64)
    seen: Mapping[str, Any] = probe.look(crop).classes
    return {name: answer[0].softmax(dim=0) for name, answer in seen.items()}
