"""The flags that say who searches for faces, for all commands alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from ..detection.base import Detector
from ..detection.grounding.download import RELEASES, download
from ..detection.grounding.places import cache_folder
from ..detection.load import load_detector
from .flags import pick_device
from .talk import bytes_bar

OwnMasksFolder = Annotated[Path | None, arg(metavar="DIR")]


@dataclass(frozen=True, kw_only=True)
class DetectorFlags:
    detector: str = "auto"
    """auto, mesh or landmarks (photographs), tiny (painted faces), grounding-dino,
    groundingdino-py; auto = the first that finds a face."""
    detector_model: Annotated[Path | None, arg(metavar="FILE|DIR")] = None
    """Weights of Grounding-DINO; none = those in models/grounding-dino or in a cache, if any."""
    detector_download: Annotated[str | None, arg(metavar="|".join(RELEASES))] = None
    """Fetch Grounding-DINO's weights now, if they are not there: swint 694 MB, swinb 938 MB."""


def open_detector(flags: DetectorFlags, device: str = "auto") -> Detector:
    """The detector that the flags ask for, its weights fetched if they say so; notes on stderr."""
    model = flags.detector_model
    if flags.detector_download is not None and model is None:
        with bytes_bar("downloading") as on_bytes:
            model = download(flags.detector_download, cache_folder(), on_bytes)
    return load_detector(flags.detector, model=model, device=pick_device(device))
