"""Image files as people really have them: what Pillow opens, made upright 8-bit sRGB.

Phones write HEIC, rotate by EXIF and take 200 megapixels; scanners write 16 bits, printers CMYK.
All of that ends here. `size` is (width, height) in this file, as Pillow counts.
"""

from __future__ import annotations

import importlib
import importlib.util
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin, TiffImagePlugin, UnidentifiedImageError

from ..errors import ImageError, MissingDependencyError
from .colour import CONVERTED, grey_curve, to_srgb
from .files import first_bytes, require_plain
from .unreadable import not_read, refuse_half_read

LONGEST = 4096
"""Longest side in pixels that a photo keeps: no model here sees more, and 200 MP are 2.4 GB."""

MIN_SIDE = 16
"""Shortest image side in pixels that is accepted."""

MOST_PIXELS = 1 << 28
"""More pixels than any camera's: a decompression bomb. Other formats than JPEG, which is reduced
while it is read, end at Pillow's own limit of 179 million."""

BAD_EXIF = "EXIF data damaged: what could not be read of it is ignored"
"""A note."""

# What Pillow's warnings say where tags of an image are damaged.
_EXIF_WORDS = ("EXIF", "Skipping tag", "Metadata Warning")

# What decoders raise on damaged files; RuntimeError is libheif's.
_BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, RuntimeError, struct.error,
)  # fmt: skip

# Photos whose further frames are small copies or depth maps, not an animation.
_STILL = ("MPO", "HEIF")

_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF = (b"avif", b"avis")

# Not `ImageOps.exif_transpose`: it writes the EXIF data anew, and fails where a tag is damaged.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(
    path: str | Path, longest: int | None = None, *, clear: bool = False
) -> tuple[Image.Image, tuple[str, ...]]:
    """The file as an upright 8-bit RGB image, and notes on what was done to it.

    With `clear` one with transparent places comes as RGBA, else those are laid over white. With
    `longest` an image with a longer side is reduced to it, in bytes and, for JPEG, already
    while it is decoded. Raises ImageError for a file that is missing, damaged, too large, a camera
    raw or has a side under 16 px, and MissingDependencyError for HEIC without its plug-in.
    """
    path = Path(path)
    try:
        require_plain(path)
        with _warned() as said, _open(path) as opened:
            refuse_half_read(path, opened)
            size = opened.size
            if size[0] * size[1] > MOST_PIXELS:
                raise Image.DecompressionBombError
            if min(size) < MIN_SIDE:
                raise ImageError(
                    f"{path} is {size[0]}x{size[1]} pixels; give a picture of at least "
                    f"{MIN_SIDE}x{MIN_SIDE}"
                )
            frames = 1 if opened.format in _STILL else getattr(opened, "n_frames", 1)
            if longest is not None:
                # Only JPEG can; the others leave it alone.
                opened.draft(None, _reduced(size, longest))
            deep = ";16" in _raw_mode(opened)
            opened.load()
            made = _upright if clear else flatten
            picture, notes = made(opened, longest, size)
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{path} has too many pixels to be read safely (more than "
            f"{MOST_PIXELS // 10**6} million in a JPEG, 179 million in other formats); scale it "
            "down first"
        ) from error
    except (ImageError, MissingDependencyError):
        raise
    except _BROKEN as error:
        raise not_read(path, error) from error
    if deep and opened.mode.startswith("RGB"):
        notes = (*notes, "colours of 16 bits reduced to 8")
    if BAD_EXIF not in notes and any(word in text for text in said for word in _EXIF_WORDS):
        notes = (*notes, BAD_EXIF)
    if frames > 1:
        notes = (*notes, f"first of {frames} frames taken")
    return picture, notes


def flatten(
    picture: Image.Image, longest: int | None = None, size: tuple[int, int] | None = None
) -> tuple[Image.Image, tuple[str, ...]]:
    """A PIL image of any mode as upright 8-bit sRGB, and the notes that say how it came about.

    With `longest` a longer side is reduced to it; `size` is what the file said, if it was decoded
    smaller. Raises ValueError for NaN and infinite values.
    """
    picture, notes = _upright(picture, longest, size)
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
        notes = (*notes, "transparency laid over white")
    return picture, notes


def _upright(
    picture: Image.Image, longest: int | None, size: tuple[int, int] | None
) -> tuple[Image.Image, tuple[str, ...]]:
    """The same before anything is laid over white: RGBA where there are transparent places."""
    notes: list[str] = []
    orientation = 1
    try:
        orientation = picture.getexif().get(0x0112, 1)
        whole = _is_exif(picture.info.get("exif"))
    except _BROKEN:
        whole = False
    if not whole:
        notes.append(BAD_EXIF)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
        picture, converted = _eight_bit(picture)
        notes.append("greyscale of more than 8 bits reduced to 8 and made RGB")
        notes += converted
    elif picture.mode in ("1", "L"):
        notes.append("greyscale made RGB")
    elif picture.mode == "CMYK":
        notes.append("CMYK converted to RGB")
    picture = _reduce(picture, longest)
    if size is not None and picture.size != size:
        was, now = (f"{width}x{height}" for width, height in (size, picture.size))
        notes.append(f"reduced from {was} to {now} pixels")
    if orientation in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[orientation])
        notes.insert(0, f"turned upright (EXIF orientation {orientation})")
    picture, converted = to_srgb(picture)
    notes += converted
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        if picture.getchannel("A").getextrema() != (255, 255):
            return picture, tuple(notes)
    return picture.convert("RGB"), tuple(notes)


def _open(path: Path) -> Image.Image:
    """The opened file, not yet decoded; with HEIC's plug-in where the file is one."""
    try:
        return Image.open(path)
    except Image.DecompressionBombError:
        if first_bytes(path, 3) != b"\xff\xd8\xff":
            raise
        # Pillow's own limit does not know that a JPEG is reduced while it is decoded.
        return JpegImagePlugin.JpegImageFile(path)
    except UnidentifiedImageError:
        brand = _brand(path)
        if brand in _AVIF:
            raise MissingDependencyError(
                f"{path} is an AVIF picture, which this Pillow cannot read; "
                "pip install --upgrade pillow, or export it as JPEG"
            ) from None
        if brand not in _HEIF:
            raise
        _register_heif(path)
        return Image.open(path)


def _is_exif(data: bytes | None) -> bool:
    """Whether EXIF data begins as it must; JPEG's reader takes any other for none at all."""
    start = (data or b"").removeprefix(b"Exif\0\0")[:4]
    return not start or start in TiffImagePlugin.PREFIXES


@contextmanager
def _warned() -> Iterator[list[str]]:
    """Yields a list that holds, when the block has ended well, what Python's warnings said in it.

    On stderr they would help nobody; what matters becomes a note, and the limit is checked here.
    """
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
        texts += [str(warning.message) for warning in caught]


def _brand(path: Path) -> bytes:
    start = first_bytes(path, 12)
    return start[8:12] if start[4:8] == b"ftyp" else b""


def _register_heif(path: Path) -> None:
    if importlib.util.find_spec("pillow_heif") is None:
        raise MissingDependencyError(
            f"{path} is a HEIC picture, and the package that reads those is not installed: "
            "pip install pillow-heif, or export it as JPEG"
        )
    importlib.import_module("pillow_heif").register_heif_opener()


def _raw_mode(picture: Image.Image) -> str:
    """How the file keeps its pixels: "RGB;16B" comes out of Pillow as RGB."""
    for tile in getattr(picture, "tile", ()):
        return str(tile[3][0] if isinstance(tile[3], tuple) else tile[3])
    return ""


def _reduced(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """The size with its longer side at most `longest`, but its shorter one not under MIN_SIDE."""
    factor = min(max(longest / max(size), MIN_SIDE / min(size)), 1.0)
    width, height = (max(round(side * factor), 1) for side in size)
    return width, height


def _reduce(picture: Image.Image, longest: int | None) -> Image.Image:
    if longest is None or _reduced(picture.size, longest) == picture.size:
        return picture
    if picture.mode in ("1", "P", "PA"):
        # Neither dots nor numbers of colours can be averaged.
        clear = picture.mode == "PA" or "transparency" in picture.info
        profile = picture.info.get("icc_profile")
        picture = picture.convert("L" if picture.mode == "1" else "RGBA" if clear else "RGB")
        picture.info = {"icc_profile": profile} if profile else {}
    size = _reduced(picture.size, longest)
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _eight_bit(picture: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Grey of more than 8 bits as 8 in sRGB, and a note if its profile changed it.

    Row by row, for a float copy of a large scan is gigabytes, and before its dark parts are rounded
    away: a linear profile has few levels for them.
    """
    values = np.asarray(picture)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite((low, high)).all():
        raise ValueError("it holds NaN or infinite values")
    if picture.mode == "F":
        top = 1.0 if high <= 1.0 else 255.0 if high <= 255.0 else high
    else:
        top = max(65535.0, high)
    curve = grey_curve(picture)
    grey = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), 256):
        some = (values[row : row + 256].astype(np.float64) / top * 255.0).clip(0, 255)
        if curve is not None:
            some = np.interp(some, np.arange(256), curve)
        grey[row : row + 256] = some.round()
    made = Image.fromarray(grey)
    if curve is not None:
        return made, (CONVERTED,)
    made.info["icc_profile"] = picture.info.get("icc_profile")
    return made, ()
