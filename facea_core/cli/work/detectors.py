"""What the flags of detectors ask for."""

from __future__ import annotations

from pathlib import Path

from ...backbone.load import pick_device
from ...detection.base import Detector
from ...detection.grounding.download import download
from ...detection.grounding.places import cache_folder
from ...detection.load import load_detector
from ..common import DetectorFlags
from ..talk import bytes_bar


def open_detector(flags: DetectorFlags, device: str = "auto") -> Detector:
    """The detector that the flags ask for, its weights fetched if they say so; notes on stderr."""
    return load_detector(flags.detector, model=detector_model(flags), device=pick_device(device))


def detector_model(flags: DetectorFlags) -> Path | None:
    """The weights that the flags name, fetched if they say so; None = those that are found."""
    if flags.detector_download is None or flags.detector_model is not None:
        return flags.detector_model
    with bytes_bar("downloading") as on_bytes:
        return download(flags.detector_download, cache_folder(), on_bytes)
