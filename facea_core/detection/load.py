"""Detectors by name."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..dlib_models import landmarks_available
from ..errors import AssetError, ConfigError, quoted
from ..types import Detection
from .base import FACE, Detector
from .config import DETECTORS, RENAMED
from .grounding.detector import GroundingDinoDetector
from .grounding.grounder import LazyGrounder, OnWork, load_grounder
from .grounding.places import existing, find_weights, usual_folders
from .landmarks import LandmarksDetector
from .mesh.detector import MeshDetector
from .painted import TinyDetector
from .photo_or_painted import PaintedFirst, PaintedOnly

_LOG = logging.getLogger(__name__)
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


def load_detector(
    name: str = "auto",
    *,
    model: str | Path | None = None,
    folders: Sequence[Path] | None = None,
    device: str | torch.device = "cpu",
    on_work: OnWork | None = None,
) -> Detector:
    """The detector called `name`; models are loaded when they are first asked.

    "mesh" and "tiny" ship with the package: the first sees photographs, not every attribute, the
    second only synthetic faces. "landmarks" is like mesh and needs an optional extra.
    "grounding-dino" finds any phrase in any image. Its weights are the file or folder `model`,
    else the first found in `folders` (None = `usual_folders`), and it works on `device`; `on_work`
    is called again and again meanwhile. "auto" asks mesh, landmarks, Grounding-DINO and tiny in
    this order, those that are there, until one finds a face, and only tiny for a painted one; with
    a `model` it is grounding-dino. Names that are `RENAMED` are known still, with a warning.

    Raises ConfigError for an unknown name, MissingDependencyError where packages are missing and
    AssetError where weights are.
    """
    name = name.strip().lower()
    if name in RENAMED:
        _LOG.warning("FaceA: the detector %s is called %s now", name, RENAMED[name])
        name = RENAMED[name]
    if name not in DETECTORS:
        raise ConfigError(f"unknown detector {quoted(name)}; use one of {', '.join(DETECTORS)}")
    if name == "auto" and model is not None:
        name = "grounding-dino"
    if name == "tiny":
        return TinyDetector()
    if name == "mesh":
        return MeshDetector()
    if name == "landmarks":
        return LandmarksDetector()
    folders = usual_folders() if folders is None else folders
    found = [existing(model)] if model is not None else find_weights(folders)
    grounding = [
        GroundingDinoDetector(LazyGrounder(partial(load_grounder, path, device, on_work=on_work)))
        for path in found[:1]
    ]
    if name == "auto":
        landmarks = [LandmarksDetector()] if landmarks_available() else []
        tiny = TinyDetector()
        first, last = PaintedFirst(MeshDetector(), tiny), PaintedOnly(tiny)
        return FirstFinding([first, *landmarks, *grounding, last])
    if not grounding:
        searched = ", ".join(map(str, folders)) or "no folder"
        raise AssetError(
            f"no Grounding-DINO weights in {searched}; put groundingdino_swint_ogc.pth or a "
            "Hugging Face folder there, have them downloaded, or use the detector mesh "
            "(photographs) or tiny"
        )
    return grounding[0]
