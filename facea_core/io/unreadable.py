"""Files that cannot be used as images: why each cannot, and what to do about it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PIL import Image

from ..errors import ImageError
from .files import first_bytes

RAW_ENDINGS = (
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mef",
    ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl",
    ".sr2", ".srf", ".srw", ".x3f",
)  # fmt: skip
"""What cameras call the files that hold a sensor's values."""

_SUBFILE, _BITS, _PLANES, _DNG_VERSION = 254, 258, 284, 50706
_APPLE_DOUBLE = b"\x00\x05\x16\x07"


def refuse_half_read(path: Path, opened: Image.Image) -> None:
    """Raises ImageError for an opened file of which Pillow shows something else than the photo.

    Camera raws are TIFF files that begin with a small preview; of 16-bit planes it takes bytes for
    pixels.
    """
    if opened.format != "TIFF":
        return
    tags = getattr(opened, "tag_v2", {})
    if (
        path.suffix.lower() in RAW_ENDINGS
        or _DNG_VERSION in tags
        or int(tags.get(_SUBFILE, 0)) & 1
        or first_bytes(path, 10)[8:] == b"CR"
    ):
        raise ImageError(_raw(path))
    if tags.get(_PLANES) == 2 and max(tags.get(_BITS, (8,))) > 8:
        raise ImageError(
            f"{path} keeps 16-bit values in separate planes, which cannot be read here; save "
            "it with interleaved (contiguous) channels, or as PNG"
        )


def not_read(path: Path, error: Exception) -> ImageError:
    """What `error`, raised while `path` was read as an image, means to the user."""
    if isinstance(error, FileNotFoundError):
        return ImageError(f"there is no picture at {path}; check the path")
    if isinstance(error, IsADirectoryError):
        return ImageError(f"{path} is a folder; give the picture files in it")
    if isinstance(error, PermissionError):
        return ImageError(f"{path} may not be read by this user; change its permissions")
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        return ImageError(
            f"cannot read {path} as a picture ({error.strerror}); check the path and the disk"
        )
    with suppress(OSError):
        start = first_bytes(path, len(_APPLE_DOUBLE))
        if not start:
            return ImageError(f"{path} is empty (0 bytes); copy it again from where it came from")
        if start == _APPLE_DOUBLE:
            return ImageError(
                f"{path} is no picture but what a Mac keeps beside one; leave it out, and give the "
                "file whose name has no ._ before it"
            )
    if path.suffix.lower() in RAW_ENDINGS:
        return ImageError(_raw(path))
    return ImageError(
        f"cannot read {path} as a picture ({reason}); "
        "it may be truncated or not a picture: export it again as PNG or JPEG"
    )


def _raw(path: Path) -> str:
    return (
        f"{path} is a camera raw, or begins with a preview as those do, and only the small preview "
        "could be read; export the photo as JPEG, PNG or 8-bit TIFF"
    )
