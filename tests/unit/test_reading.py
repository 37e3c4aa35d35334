"""Photos as people really have them, each a real file of its kind."""

import os
import signal
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facea_core.errors import ImageError, MissingDependencyError
from facea_core.io import image_files
from facea_core.io.image_files import read_picture
from facea_core.io.images import load_image

NOTED = "reduced from {} to {} pixels"


@pytest.fixture
def ramp():
    y, x = np.mgrid[:48, :64]
    return np.stack([x * 4, y * 5, x + y], axis=-1).astype(np.uint8)


def png16(pixels):
    """A PNG of 16 bits; Pillow writes none with colours."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width, channels = pixels.shape
    kind = {1: 0, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def as_image(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def test_a_heic_photo_is_read(ramp, tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(ramp)).save(tmp_path / "a.heic", quality=100)
    image, notes = load_image(tmp_path / "a.heic")
    assert (image - as_image(ramp)).abs().mean() < 0.02
    assert notes == ()
    data = (tmp_path / "a.heic").read_bytes()
    for keep in (0.02, 0.3, 0.9):
        (tmp_path / "cut.heic").write_bytes(data[: int(len(data) * keep)])
        with pytest.raises(ImageError, match="cut"):
            load_image(tmp_path / "cut.heic")


def test_an_avif_photo_is_read(ramp, tmp_path):
    Image.fromarray(ramp).save(tmp_path / "a.avif", quality=95)
    image, _ = load_image(tmp_path / "a.avif")
    assert (image - as_image(ramp)).abs().mean() < 0.02


def test_heic_without_its_plug_in_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(image_files.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(image_files.Image, "open", lambda path: _unidentified())
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x1cftypheic" + bytes(100))
    with pytest.raises(MissingDependencyError, match=r"a\.heic.*pip install pillow-heif"):
        load_image(tmp_path / "a.heic")
    (tmp_path / "a.avif").write_bytes(b"\0\0\0\x1cftypavif" + bytes(100))
    with pytest.raises(MissingDependencyError, match=r"a\.avif.*upgrade pillow"):
        load_image(tmp_path / "a.avif")


def _unidentified():
    raise image_files.UnidentifiedImageError("cannot identify image file")


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colours(ramp, tmp_path, channels):
    pixels = np.dstack([ramp, np.full((48, 64), 255, np.uint8)])[..., :channels]
    (tmp_path / "a.png").write_bytes(png16(pixels.astype(np.uint16) * 257))
    image, notes = load_image(tmp_path / "a.png")
    assert torch.equal(image, as_image(ramp))
    assert notes == ("colours of 16 bits reduced to 8",)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tiff", "gif"])
def test_a_huge_photo_is_reduced_and_says_so(tmp_path, ending):
    pixels = np.full((1000, 1500, 3), 40, np.uint8)
    pixels[:, 750:] = 200
    Image.fromarray(pixels).save(tmp_path / f"a.{ending}")
    image, notes = load_image(tmp_path / f"a.{ending}", longest=300)
    assert image.shape == (1, 3, 200, 300)
    assert NOTED.format("1500x1000", "300x200") in notes
    assert image[..., 20:140].mean() == pytest.approx(40 / 255, abs=0.01)
    assert image[..., 160:280].mean() == pytest.approx(200 / 255, abs=0.01)
    whole, quiet = load_image(tmp_path / f"a.{ending}", longest=None)
    assert whole.shape == (1, 3, 1000, 1500)
    assert quiet == ()


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_huge_photo_is_turned_too(ramp, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    big = Image.fromarray(ramp).resize((640, 480))
    big.save(tmp_path / "a.jpg", exif=exif, quality=95)
    image, notes = load_image(tmp_path / "a.jpg", longest=64)
    assert f"orientation {orientation}" in notes[0]
    wanted = as_image(np.ascontiguousarray(np.rot90(ramp, 2 if orientation == 3 else 3)))
    assert image.shape == wanted.shape
    assert (image - wanted).abs().mean() < 0.03


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_can_be_reduced(ramp, tmp_path, mode):
    grey = Image.fromarray(ramp[..., 0]).resize((640, 480))
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        factor = 1 if mode == "F" else 257
        picture = Image.fromarray((np.asarray(grey).astype(np.float64) * factor).astype(kind))
    else:
        picture = Image.fromarray(ramp).resize((640, 480)).convert(mode)
    picture.save(tmp_path / "a.tiff")
    image, notes = load_image(tmp_path / "a.tiff", longest=64)
    whole, _ = load_image(tmp_path / "a.tiff", longest=None)
    assert image.shape == (1, 3, 48, 64)
    assert NOTED.format("640x480", "64x48") in notes
    assert image.mean() == pytest.approx(float(whole.mean()), abs=0.02)


def test_a_very_long_picture_keeps_its_least_side(tmp_path):
    Image.new("RGB", (2000, 32)).save(tmp_path / "a.png")
    assert load_image(tmp_path / "a.png", longest=100)[0].shape == (1, 3, 16, 1000)


def test_a_phone_photo_of_many_megapixels_costs_little(tmp_path):
    """60 megapixels are 720 MB as float32; what NumPy holds of them is measured."""
    Image.new("RGB", (9000, 6600), (90, 60, 40)).save(tmp_path / "a.jpg")
    tracemalloc.start()
    image, _ = load_image(tmp_path / "a.jpg", longest=1024)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert image.shape == (1, 3, 751, 1024)
    assert peak < 60e6


def test_a_jpeg_beyond_pillows_limit_is_read_and_a_bomb_is_not(tmp_path, monkeypatch):
    Image.new("RGB", (640, 480), (90, 60, 40)).save(tmp_path / "a.jpg")
    Image.new("RGB", (640, 480)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    assert load_image(tmp_path / "a.jpg", longest=64)[0].shape == (1, 3, 48, 64)
    with pytest.raises(ImageError, match=r"a\.png has too many pixels.*scale it down"):
        load_image(tmp_path / "a.png")
    monkeypatch.setattr(image_files, "MOST_PIXELS", 200_000)
    with pytest.raises(ImageError, match=r"a\.jpg has too many pixels"):
        load_image(tmp_path / "a.jpg")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(ImageError, match=r"a\.png has too many pixels"):
        load_image(tmp_path / "a.png")


def test_a_pipe_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "photo.png")
    signal.alarm(20)
    try:
        with pytest.raises(ImageError, match="not a plain file"):
            read_picture(tmp_path / "photo.png")
    finally:
        signal.alarm(0)
