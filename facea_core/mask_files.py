"""Mask files as programs save them: white on black, drawn on nothing, erased, labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from .errors import ImageError, MaskError
from .images import load_image
from .masks import EDGE

_ONE_COLOUR = 0.05
"""Standard deviation of a brush's colours: a photograph's are 0.1 and more."""


def read_mask(path: str | Path) -> tuple[Tensor, tuple[str, ...]]:
    """A mask file as `(1, 1, H, W)` in [0, 1], 1 where it is drawn, and notes on how it was read.

    What is not black is drawn. Of a picture with transparent places the alpha channel counts: where
    one colour was drawn on nothing that is what was drawn, of any other picture what was erased. A
    mask of two values whose stronger one is weak, as a labelled one of 0 and 1, is drawn where that
    is. A black one comes back as it is. Raises MaskError for a file that cannot be read, and for a
    mask whose strongest value is not black and too weak to be painted.
    """
    try:
        picture, notes = load_image(path, longest=None)
    except ImageError as error:
        raise MaskError(f"the mask {error}") from error
    said: tuple[str, ...] = ()
    if any("transparency" in note for note in notes):
        mask, said = _from_alpha(Path(path))
    else:
        mask = picture.amax(dim=1, keepdim=True)
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


def _from_alpha(path: Path) -> tuple[Tensor, tuple[str, ...]]:
    with Image.open(path) as opened:
        pixels = np.asarray(ImageOps.exif_transpose(opened).convert("RGBA"))
    values = torch.from_numpy(pixels.copy()).float() / 255
    alpha = values[..., 3]
    drawn = values[alpha >= EDGE][:, :3]
    if len(drawn) < 2 or float(drawn.std(dim=0).max()) < _ONE_COLOUR:
        return alpha[None, None], ("the mask is what was drawn on a transparent picture",)
    return 1 - alpha[None, None], ("the mask is where the picture is transparent",)
