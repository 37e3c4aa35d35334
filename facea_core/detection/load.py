"""Detectors by name."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..errors import ConfigError, MissingDependencyError
from ..types import Detection
from .base import FACE, Detector
from .landmarks import LandmarksDetector, landmarks_available
from .tiny import TinyDetector

AVAILABLE = ("auto", "landmarks", "tiny")
DETECTORS = (*AVAILABLE, "grounding-dino")

_ENOUGH = 0.35
"""Score of a face with which a detector's answer stands and no other is asked."""


class FirstFinding:
    """Asks its detectors in turn until one finds a face; `Detection.source` says which it was."""

    name = "auto"

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self.detectors = tuple(detectors)

    def detect(self, image: Tensor, phrases: Sequence[str]) -> tuple[Detection, ...]:
        """The answer of the first detector that is sure of a face, else of the surest one."""
        best: tuple[Detection, ...] = ()
        best_score = 0.0
        asked = tuple(dict.fromkeys((FACE, *phrases)))
        for detector in self.detectors:
            found = detector.detect(image, asked)
            score = max((one.score for one in found if one.phrase == FACE), default=0.0)
            if score > best_score:
                best, best_score = found, score
            if score >= _ENOUGH:
                break
        return tuple(one for one in best if one.phrase in phrases)


def detector_notes(name: str) -> list[str]:
    """What a user should know about the detector of that name before trusting it."""
    if name == "auto" and not landmarks_available():
        return [
            "only the detector of painted faces is installed; for photographs install "
            "dlib-bin and face_recognition_models"
        ]
    return []


def load_detector(name: str = "auto") -> Detector:
    """The detector called `name`.

    "tiny" ships with the package and knows its painted faces; "landmarks" sees photographs and
    needs an optional extra; "auto" is landmarks, where installed, then tiny: each sees faces of
    the other's kind too, only less exactly, and photographs are what people have. Raises
    ConfigError for an unknown name and MissingDependencyError where packages are missing.
    """
    name = name.strip().lower()
    if name == "auto":
        first = [LandmarksDetector()] if landmarks_available() else []
        return FirstFinding([*first, TinyDetector()])
    if name == "tiny":
        return TinyDetector()
    if name == "landmarks":
        return LandmarksDetector()
    if name == "grounding-dino":
        raise MissingDependencyError(
            "the grounding-dino detector is not part of this version; "
            "use 'landmarks' for photographs or 'tiny' for painted faces"
        )
    raise ConfigError(f"unknown detector {name!r}; use one of {', '.join(DETECTORS)}")
