"""What the flags of detectors and devices ask for."""

from __future__ import annotations

import torch

from ...detection.base import Detector
from ...detection.grounding.download import download
from ...detection.grounding.places import cache_folder
from ...detection.load import load_detector
from ...errors import ConfigError, quoted
from ..common import DetectorFlags
from ..talk import bytes_bar


def open_detector(flags: DetectorFlags, device: str = "auto") -> Detector:
    """The detector that the flags ask for, its weights fetched if they say so; notes on stderr."""
    model = flags.detector_model
    if flags.detector_download is not None and model is None:
        with bytes_bar("downloading") as on_bytes:
            model = download(flags.detector_download, cache_folder(), on_bytes)
    return load_detector(flags.detector, model=model, device=pick_device(device))


def pick_device(name: str) -> str:
    """A torch device; `auto` is a GPU where there is one. Raises ConfigError for another name."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"device {quoted(name)} cannot be used ({reason}); try auto or cpu"
        ) from error
    return name
