"""Each file that is no photo is refused with its own cause and advice."""

import os
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facea_core.errors import ImageError
from facea_core.io.image_files import BAD_EXIF
from facea_core.io.images import from_pil, load_image

PIXELS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def tiff(path: Path, tags: dict[int, int], planes: list[bytes], bits: int = 8) -> None:
    """A little-endian TIFF of RGB, 64x48, by hand: Pillow writes neither planes nor raws."""
    width, height, count = 64, 48, len(planes)
    entries = {256: width, 257: height, 259: 1, 262: 2, 277: 3, 278: height, **tags}
    at = 8 + 2 + 12 * (len(entries) + 3) + 4
    lists = [(258, 3, [bits] * 3), (273, 4, []), (279, 4, [len(plane) for plane in planes])]
    blob_at = at + 6 + 8 * count
    where = [blob_at + sum(map(len, planes[:i])) for i in range(count)]
    lists[1][2].extend(where)
    rows, blob = [], b""
    for tag, value in entries.items():
        rows.append((tag, struct.pack("<HHII", tag, 4, 1, value)))
    for tag, kind, values in lists:
        data = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(data) > 4:
            rows.append((tag, struct.pack("<HHII", tag, kind, len(values), at + len(blob))))
            blob += data
        else:
            rows.append((tag, struct.pack("<HHI", tag, kind, len(values)) + data.ljust(4, b"\0")))
    table = b"".join(row for _, row in sorted(rows))
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(rows)) + table + bytes(4)
    blob = blob.ljust(blob_at - at, b"\0")
    path.write_bytes(head + blob + b"".join(planes))


def test_the_hand_made_tiff_is_one(tmp_path):
    tiff(tmp_path / "a.tif", {284: 1}, [PIXELS.tobytes()])
    assert torch.equal(load_image(tmp_path / "a.tif")[0], from_pil(Image.fromarray(PIXELS)))
    planes = [PIXELS[..., i].tobytes() for i in range(3)]
    tiff(tmp_path / "b.tif", {284: 2}, planes)
    assert torch.equal(load_image(tmp_path / "b.tif")[0], from_pil(Image.fromarray(PIXELS)))


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("DSC_0001.NEF", {254: 1}),
        ("renamed.tif", {254: 1}),
        ("noending", {50706: 0x00000401}),
        ("IMG_1.dng", {}),
        ("IMG_1.CR2", {}),
        ("DSC1.arw", {}),
    ],
)
def test_a_camera_raw_is_refused_and_not_read_as_its_preview(tmp_path, name, tags):
    tiff(tmp_path / name, {284: 1, **tags}, [PIXELS.tobytes()])
    with pytest.raises(ImageError, match=f"{name} is a camera raw.*export the photo as JPEG"):
        load_image(tmp_path / name)


def test_a_raw_that_nothing_here_opens_is_called_one(tmp_path):
    (tmp_path / "a.cr3").write_bytes(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(100))
    with pytest.raises(ImageError, match="camera raw"):
        load_image(tmp_path / "a.cr3")


def test_a_jpeg_with_the_ending_of_a_raw_is_read(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg")
    os.rename(tmp_path / "a.jpg", tmp_path / "a.nef")
    assert load_image(tmp_path / "a.nef")[0].shape == (1, 3, 48, 64)


def test_planes_of_16_bits_are_refused_and_interleaved_ones_read(tmp_path):
    deep = PIXELS.astype("<u2") * 257
    tiff(tmp_path / "planar.tif", {284: 2}, [deep[..., i].tobytes() for i in range(3)], bits=16)
    with pytest.raises(ImageError, match=r"planar\.tif keeps 16-bit.*planes.*interleaved"):
        load_image(tmp_path / "planar.tif")
    tiff(tmp_path / "contiguous.tif", {284: 1}, [deep.tobytes()], bits=16)
    image, _ = load_image(tmp_path / "contiguous.tif")
    assert torch.equal(image, from_pil(Image.fromarray(PIXELS)))


def test_each_cause_has_its_advice(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "._ada.jpg").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(60))
    (tmp_path / "text.jpg").write_text("not a picture")
    Image.fromarray(PIXELS).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:3000])
    for name, words in {
        ".": "is a folder; give the picture files",
        "empty.jpg": "is empty.*copy it again",
        "._ada.jpg": "Mac keeps.*leave it out",
        "none.jpg": "no picture at.*check the path",
        "whole.png/a.jpg": "Not a directory.*check the path",
        "text.jpg": "export it again",
        "cut.png": "truncated.*export it again",
    }.items():
        with pytest.raises(ImageError, match=words):
            load_image(tmp_path / name)


@pytest.mark.skipif(os.name != "posix", reason="rights are POSIX's here")
def test_missing_rights_are_named(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(ImageError, match=r"a\.png may not be read.*permissions"):
            load_image(tmp_path / "a.png")
    finally:
        os.seteuid(before)


def test_damaged_exif_is_a_note_and_no_warning(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "plain.png")
    wanted = load_image(tmp_path / "plain.png")[0]
    whole = Image.Exif()
    whole[0x0112], whole[0x010E] = 1, "a picture of somebody " * 9
    data = whole.tobytes()
    for name, exif in {
        "cut": data[: len(data) // 2],
        "rubbish": b"Exif\0\0MM\0rubbish",
        "far": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0\xff\0\0\0\xff\xff\0\0\0\0\0\0",
    }.items():
        for ending in ("png", "jpg"):
            path = tmp_path / f"{name}.{ending}"
            Image.fromarray(PIXELS).save(path, exif=exif, quality=100)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                image, notes = load_image(path)
            assert notes == (BAD_EXIF,), path
            assert ending == "jpg" or torch.equal(image, wanted)


def test_a_picture_is_turned_whatever_else_is_damaged_in_its_exif(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "plain.png")
    exif = Image.Exif()
    exif[0x0112], exif[0x011A] = 6, 72.0
    # The resolution, a rational number of type 5, as if it were text, type 2.
    data = exif.tobytes().replace(b"\x01\x1a\x00\x05", b"\x01\x1a\x00\x02")
    assert data != exif.tobytes()
    Image.fromarray(PIXELS).save(tmp_path / "turned.png", exif=data)
    image, notes = load_image(tmp_path / "turned.png")
    assert notes == ("turned upright (EXIF orientation 6)",)
    assert torch.equal(image, load_image(tmp_path / "plain.png")[0].rot90(-1, (2, 3)))
