"""What a detector is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from ..types import Detection

FACE = "face"
"""The phrase for the head's skin from hairline to chin and from ear to ear."""

OWN_MASK = "own mask"
"""Who found a face that the user drew."""


class Detector(Protocol):
    """Finds things by phrase. Stateless to its callers; may load its model at the first call.

    It answers with candidates: several per phrase are allowed, wrong ones too, and nothing for a
    phrase it does not know. `select` judges them. An open-vocabulary detector (Grounding-DINO) fits
    this protocol as it is: it asks its model one phrase per pass, because phrases asked together
    disturb each other, and looks for parts in crops around the faces it found.
    """

    @property
    def name(self) -> str:
        """Short name for reports, the one that `load_detector` takes."""
        ...

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """Candidates for each of `phrases` in `image` `(1, 3, H, W)`, boxes in its pixels."""
        ...
