"""Colours of images as sRGB: what profiles say is done to them, and what is written says sRGB."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

CONVERTED = "colour profile converted to sRGB"
UNUSABLE = "colour profile cannot be used and was ignored: the colours may be off"

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's modes for the colour spaces that profiles are written for."""

_SAME = 3
"""By how many levels of 255 other people's profiles of sRGB differ from Pillow's, at most."""


def to_srgb(picture: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """An 8-bit image with the colours that its profile means, and a note if that changed any.

    Transparency stays, as a channel. Without a profile, or with sRGB's own, the image comes back
    as it is; one that cannot be used is noted.
    """
    data = picture.info.get("icc_profile")
    if not data:
        return picture, ()
    clear = picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info
    plain = picture.convert("RGBA") if clear else picture
    grey = picture.mode in ("1", "L", "LA", "La")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(data))
        mode = _MODES[source.profile.xcolor_space.strip()]  # pyright: ignore
        # A grey image may have a profile for RGB, but no other has one of another space.
        if mode != ("L" if grey else "CMYK" if picture.mode == "CMYK" else "RGB") and not (
            grey and mode == "RGB"
        ):
            return picture, (UNUSABLE,)
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode != "CMYK" and _moves(transform, mode) <= _SAME:
            return picture, ()
        colours = plain if plain.mode == mode else plain.convert(mode)
        made = ImageCms.applyTransform(colours, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, LookupError):
        return picture, (UNUSABLE,)
    assert made is not None  # it is only where an image is changed in its place
    if clear:
        made.putalpha(plain.getchannel("A"))
    return made, (CONVERTED,)


def grey_curve(picture: Image.Image) -> np.ndarray | None:
    """What each of 256 greys, evenly spaced, is in sRGB by the image's profile: float64 in
    [0, 255]. None without a profile for grey that changes any."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    ramp.info["icc_profile"] = picture.info.get("icc_profile")
    made, notes = to_srgb(ramp)
    return np.asarray(made.convert("L"), np.float64)[0] if CONVERTED in notes else None


@cache
def srgb_profile() -> bytes:
    """sRGB's ICC profile, the same bytes every time."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The header's date is now, and the same image shall be the same file.
    return data[:24] + bytes((7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0)) + data[36:]


def srgb_chunks() -> PngImagePlugin.PngInfo:
    """What marks a PNG as sRGB; text may be added."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"sRGB", b"\0")
    return chunks


def _moves(transform: ImageCms.ImageCmsTransform, mode: str) -> int:
    """By how many levels a transform to RGB changes a colour at most, of some in all places."""
    if mode == "L":
        probe = np.arange(256, dtype=np.uint8)[None]
    else:
        steps = np.arange(0, 256, 15, dtype=np.uint8)
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    colours = Image.fromarray(probe)
    made = ImageCms.applyTransform(colours, transform)
    assert made is not None
    before = np.asarray(colours.convert("RGB"), np.int16)
    return int(np.abs(np.asarray(made, np.int16) - before).max())
