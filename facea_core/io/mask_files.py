"""Mask files as programs save them: white on black, drawn on nothing, erased, labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import ImageError, MaskError
from .image_files import read_picture
from .images import EDGE

_ONE_COLOUR = 0.05
"""Standard deviation of a brush's colours: a photograph's are 0.1 and more."""


def read_mask(path: str | Path) -> tuple[Tensor, tuple[str, ...]]:
    """A mask file as `(1, 1, H, W)` in [0, 1], 1 where it is drawn, and notes on how it was read.

    What is not black is drawn. Of an image with transparent places the alpha channel counts: where
    one colour was drawn on nothing that is what was drawn, of any other image what was erased. A
    mask of two values whose stronger one is weak, as a labelled one of 0 and 1, is drawn where that
    is. A black one comes back as it is. Raises MaskError for a file that cannot be read, and for a
    mask whose strongest value is not black and too weak to be painted.
    """
    try:
        picture, _ = read_picture(path, clear=True)
    except ImageError as error:
        raise MaskError(f"the mask {error}") from error
    values = torch.from_numpy(np.array(picture)).movedim(-1, 0)[None].float() / 255
    said: tuple[str, ...] = ()
    if picture.mode == "RGBA":
        mask, said = _from_alpha(values)
    else:
        mask = values.amax(dim=1, keepdim=True)
    strongest = float(mask.max())
    if 0 < strongest < EDGE and len(mask.unique()) == 2:
        mask = (mask == strongest).float()
        said = (*said, f"the mask's strongest value is {strongest:.2g}: taken as white")
    elif 0 < strongest < EDGE:
        raise MaskError(
            f"{path} marks nothing: its strongest value is {strongest:.2g}, and {EDGE} and more is "
            "painted; paint it white where the person shall be"
        )
    return mask, said


def _from_alpha(values: Tensor) -> tuple[Tensor, tuple[str, ...]]:
    """The mask of an image (1, 4, H, W), and how it was read."""
    alpha = values[:, 3:]
    drawn = values[0, :3, alpha[0, 0] >= EDGE]
    if drawn.shape[1] < 2 or float(drawn.std(dim=1).max()) < _ONE_COLOUR:
        return alpha, ("the mask is what was drawn on a transparent picture",)
    return 1 - alpha, ("the mask is where the picture is transparent",)
