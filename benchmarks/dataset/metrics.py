"""How well vectors tell people apart: the usual figures of face recognition."""

from __future__ import annotations

import torch
from torch import Tensor

FAR = 1e-2
"""The share of strangers let in, at which the share of the right ones let in is said."""

MEASURES = {
    "eer": "equal error rate, in percent: where as many strangers pass as own pictures fail; 0 is "
    "best",
    "tar": f"true accept rate at a false accept rate of {FAR:g}, in percent",
    "rank_1": "share of pictures whose nearest first picture is their own person's, in percent",
}


def recognition(vectors: Tensor, labels: Tensor) -> dict[str, float]:
    """MEASURES of unit vectors `(N, D)` of the people `labels (N,)`, each with at least two.

    All pairs of pictures are compared. For rank 1 the first picture of each person is the gallery.
    """
    own, strangers = pairs(vectors @ vectors.T, labels)
    return {
        "eer": 100 * eer(own, strangers),
        "tar": 100 * tar_at(own, strangers, FAR),
        "rank_1": 100 * rank_1(vectors, labels),
    }


def pairs(cosines: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines `(N, N)` of pictures: those of two of one person, and those of two people."""
    same = labels[:, None] == labels[None]
    once = torch.ones_like(same).triu(diagonal=1)
    return cosines[same & once], cosines[~same & once]


def eer(own: Tensor, strangers: Tensor) -> float:
    """The error rate in [0, 1] at the threshold where both errors are nearest to each other."""
    thresholds = torch.cat([own, strangers]).unique()
    missed = torch.searchsorted(own.sort().values, thresholds) / len(own)
    passed = 1 - torch.searchsorted(strangers.sort().values, thresholds) / len(strangers)
    at = (missed - passed).abs().argmin()
    return float((missed[at] + passed[at]) / 2)


def threshold_at(strangers: Tensor, rate: float) -> float:
    """The cosine that not more than the share `rate` of the strangers' exceed."""
    ordered = strangers.sort(descending=True).values
    return float(ordered[min(int(rate * len(ordered)), len(ordered) - 1)])


def tar_at(own: Tensor, strangers: Tensor, rate: float) -> float:
    """The share of own cosines that exceed the threshold of that false accept rate."""
    return float((own > threshold_at(strangers, rate)).float().mean())


def rank_1(vectors: Tensor, labels: Tensor) -> float:
    """The share of pictures that are nearest to their own person's first, among all first ones."""
    firsts = torch.stack([(labels == label).nonzero()[0, 0] for label in labels.unique()])
    probes = torch.ones(len(labels), dtype=torch.bool)
    probes[firsts] = False
    nearest = (vectors[probes] @ vectors[firsts].T).argmax(dim=1)
    return float((labels[firsts][nearest] == labels[probes]).float().mean())
