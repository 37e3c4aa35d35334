"""Picture files as people have them."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from facea_core.errors import ImageError
from facea_core.io.images import (
    from_pil,
    load_image,
)

from .arrays import as_image, read


def test_a_plain_picture_comes_back_exactly_and_without_notes(ramp, tmp_path):
    image, notes = read(Image.fromarray(ramp), tmp_path / "a.png")
    assert image.dtype == torch.float32
    assert torch.equal(image, as_image(ramp))
    assert notes == ()


@pytest.mark.parametrize("orientation", range(2, 9))
def test_every_exif_orientation_is_turned_upright(ramp, tmp_path, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = Image.fromarray(ramp).transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image, notes = read(stored, tmp_path / "a.png", exif=exif)
    assert torch.equal(image, as_image(ramp))
    assert f"orientation {orientation}" in notes[0]


def test_damaged_exif_does_not_lose_the_picture(ramp, tmp_path):
    image, _ = read(Image.fromarray(ramp), tmp_path / "a.png", exif=b"Exif\x00\x00MM\x00rubbish")
    assert torch.equal(image, as_image(ramp))


@pytest.mark.parametrize("mode", ["L", "1", "I;16", "I", "F"])
def test_grey_of_any_depth_becomes_rgb(ramp, tmp_path, mode):
    grey = ramp[..., 0]
    pictures = {
        "L": Image.fromarray(grey),
        "1": Image.fromarray(grey > 100),
        "I;16": Image.fromarray(grey.astype(np.uint16) * 257),
        "I": Image.fromarray(grey.astype(np.int32) * 257),
        "F": Image.fromarray(grey.astype(np.float32) / 255),
    }
    image, notes = read(pictures[mode], tmp_path / ("a.tiff" if mode in "IF" else "a.png"))
    wanted = (grey > 100) * 255 if mode == "1" else grey
    for channel in image[0]:
        torch.testing.assert_close(channel, torch.from_numpy(wanted / 255).float())
    assert "greyscale" in notes[0]
    assert torch.equal(from_pil(pictures[mode]), image)


def test_transparency_lies_over_white_whatever_carries_it(ramp, tmp_path):
    alpha = np.full((24, 32), 255, np.uint8)
    alpha[:, :16] = 0
    rgba = Image.fromarray(np.dstack([ramp, alpha]))
    image, notes = read(rgba, tmp_path / "a.png")
    assert torch.equal(image[..., :16], torch.ones(1, 3, 24, 16))
    assert torch.equal(image[..., 16:], as_image(ramp)[..., 16:])
    assert notes == ("transparency laid over white",)
    palette, palette_notes = read(rgba.quantize(64), tmp_path / "p.png")
    assert palette_notes == notes
    assert palette[..., :16].min() > 0.99
    grey, grey_notes = read(rgba.convert("LA"), tmp_path / "la.png")
    assert grey_notes == notes
    assert torch.equal(grey[..., :16], torch.ones(1, 3, 24, 16))


def test_an_opaque_alpha_channel_changes_nothing(ramp, tmp_path):
    image, notes = read(Image.fromarray(ramp).convert("RGBA"), tmp_path / "a.png")
    assert torch.equal(image, as_image(ramp))
    assert notes == ()


def test_cmyk_and_other_colour_spaces(ramp, tmp_path):
    image, notes = read(Image.fromarray(ramp).convert("CMYK"), tmp_path / "a.tiff")
    assert (image - as_image(ramp)).abs().mean() < 0.02
    assert notes == ("CMYK converted to RGB",)
    image, notes = read(Image.fromarray(ramp).convert("YCbCr"), tmp_path / "b.tiff")
    assert (image - as_image(ramp)).abs().mean() < 0.02


def test_colour_profiles(ramp, tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image, notes = read(Image.fromarray(ramp), tmp_path / "a.png", icc_profile=srgb)
    assert torch.equal(image, as_image(ramp))
    assert notes == ()
    image, notes = read(Image.fromarray(ramp), tmp_path / "b.png", icc_profile=b"no profile")
    assert torch.equal(image, as_image(ramp))


def test_animations(ramp, tmp_path):
    frames = [Image.fromarray(ramp).quantize(256), Image.new("P", (32, 24))]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    image, notes = load_image(tmp_path / "a.gif")
    assert image.shape == (1, 3, 24, 32)
    assert "first of 2 frames taken" in notes


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif", "tiff"])
def test_truncated_pictures_are_one_clear_error(ramp, tmp_path, ending):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = tmp_path / f"whole.{ending}"
    Image.fromarray(noise).save(whole)
    for keep in (0.1, 0.5, 0.9):
        data = whole.read_bytes()
        cut = tmp_path / f"cut.{ending}"
        cut.write_bytes(data[: int(len(data) * keep)])
        with pytest.raises(ImageError, match="cut"):
            load_image(cut)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_one_clear_error(tmp_path, content):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="x.png"):
        load_image(path)


def test_missing_files_folders_and_tiny_pictures(tmp_path):
    with pytest.raises(ImageError, match="no picture at"):
        load_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    with pytest.raises(ImageError, match="1x1 pixels.*16x16"):
        load_image(tmp_path / "one.png")


def test_every_flipped_byte_is_read_or_refused(tmp_path, ramp):
    path = tmp_path / "a.png"
    Image.fromarray(ramp).save(path)
    data = path.read_bytes()
    for position in range(8, len(data), 7):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
        try:
            image, _ = load_image(path)
        except ImageError:
            continue
        assert image.shape[1] == 3
