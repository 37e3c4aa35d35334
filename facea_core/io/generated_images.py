"""Generated images as files for others: with what made them, and a note that they were generated.

In words for people (PNG's text, EXIF) and for programs: XMP with IPTC's DigitalSourceType, which
search engines and social networks read.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin
from torch import Tensor

from ..errors import ImageError
from ..settings import check_choice, check_number
from ..version import __version__
from .colour import srgb_chunks, srgb_profile
from .files import atomic_path
from .images import picture_format, to_pil

GENERATED = {
    "Software": f"FaceA {__version__}",
    "Generated": "painted by a diffusion model with FaceA; not a photograph",
}
"""What every image that a model painted says in words."""

PART, ALL = "part", "all"

SOURCES = {PART: "compositeWithTrainedAlgorithmicMedia", ALL: "trainedAlgorithmicMedia"}
"""How much of an image a model painted: IPTC's names for it."""

ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "WebP": ".webp"}

LONGEST = {"JPEG": 65500, "WEBP": 16383}
"""Longest side in pixels that a format holds; PNG holds any."""

_SEGMENT = 65533
"""Bytes that a marker of a JPEG can hold."""

_ADOBE = b"http://ns.adobe.com/xap/1.0/\0"

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>
   <Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/{source}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""  # noqa: E501 (a value in XML must not be wrapped)

# Where ComfyUI looks for a graph in EXIF: the prompt in the first, all else, "key:" before it, in
# the others. Its fourth is the description, which says here that the image was generated.
_PROMPT, *_OTHERS = 0x0110, 0x010F, 0x010D, 0x010C, 0x010B


def save_generated(
    image: Tensor,
    path: str | Path,
    *,
    source: str = PART,
    quality: int = 97,
    graph: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Writes `(1, 3, H, W)` in [0, 1] as PNG or WebP, without loss, or JPEG, by the ending.

    PNG and WebP take an alpha channel too.

    `source` is one of `SOURCES`, `quality` JPEG's, 1 to 100, with colours at full size. `graph` is
    JSON by name ("prompt", "workflow"), put where ComfyUI reads it. Returns notes on what could not
    be written with the image. The file appears complete or not at all. Raises AssetError if it
    cannot be written, ImageError if it is larger than its format holds, and ConfigError.
    """
    form = picture_format(path)
    data, notes = generated_bytes(image, form, source=source, quality=quality, graph=graph)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return notes


def generated_bytes(
    image: Tensor,
    form: str = "JPEG",
    *,
    source: str = PART,
    quality: int = 97,
    graph: Mapping[str, str] | None = None,
) -> tuple[bytes, tuple[str, ...]]:
    """What `save_generated` writes in the format `form`, PNG, JPEG or WEBP, and its notes."""
    check_choice("generated", source, tuple(SOURCES))
    check_number("quality", quality, 1, 100, whole=True)
    picture = to_pil(image)
    if max(picture.size) > LONGEST.get(form, max(picture.size)):
        raise ImageError(
            f"a picture of {picture.width}x{picture.height} pixels is larger than {form} can hold "
            f"({LONGEST[form]}); save it as PNG"
        )
    options, notes = _options(form, xmp_packet(source), dict(graph or {}), quality)
    buffer = io.BytesIO()
    picture.save(buffer, format=form, **options)
    data = buffer.getvalue()
    return _even(data) if form == "WEBP" else data, notes


def xmp_packet(source: str) -> bytes:
    """The XMP of an image of which a model painted `source`, one of `SOURCES`."""
    return _XMP.format(tool=GENERATED["Software"], source=SOURCES[source]).encode()


def _options(
    form: str, xmp: bytes, graph: dict[str, str], quality: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    if form == "PNG":
        return {"pnginfo": _png_text(xmp, graph), "compress_level": 4}, ()
    exif, notes, srgb = _exif(graph), (), {"icc_profile": srgb_profile()}
    if form == "WEBP":
        return {"lossless": True, "exact": True, "exif": exif, "xmp": xmp, **srgb}, notes
    if len(exif.tobytes()) > _SEGMENT:
        exif = _exif({})
        notes = ("the workflow is longer than a JPEG can hold and left out; PNG and WebP hold it",)
    marker = b"\xff\xe1" + (2 + len(_ADOBE) + len(xmp)).to_bytes(2, "big") + _ADOBE + xmp
    return {"quality": quality, "subsampling": 0, "exif": exif, "extra": marker, **srgb}, notes


def _even(webp: bytes) -> bytes:
    """The same file, in which the pixels' chunk counts the byte that pads it to an even length.

    ComfyUI's front end before 2026 steps over no padding, and misses the graph behind it.
    """
    data, at = bytearray(webp), len(b"RIFF....WEBP")
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        even = size + size % 2
        if data[at : at + 4] == b"VP8L":
            data[at + 4 : at + 8] = even.to_bytes(4, "little")
        at += 8 + even
    return bytes(data)


def _png_text(xmp: bytes, graph: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    chunks = srgb_chunks()
    for key, value in {**graph, **GENERATED}.items():
        # What PNG takes for a keyword; programs may send any other.
        if 0 < len(key) < 80 and key.isascii() and key.isprintable():
            chunks.add_text(key, value)
    chunks.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return chunks


def _exif(graph: Mapping[str, str]) -> Image.Exif:
    exif = Image.Exif()
    others = [key for key in graph if key != "prompt"]
    if "prompt" in graph:
        exif[_PROMPT] = f"prompt:{graph['prompt']}"
    for tag, key in zip(_OTHERS, others, strict=False):
        exif[tag] = f"{key}:{graph[key]}"
    exif[ExifTags.Base.Software] = GENERATED["Software"]
    exif[ExifTags.Base.ImageDescription] = GENERATED["Generated"]
    return exif
