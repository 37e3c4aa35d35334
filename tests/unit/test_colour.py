"""One photo, whatever carries it: its colours are what its profile means, and what is written says
what it is."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from facea_core.io.colour import CONVERTED, UNUSABLE, srgb_profile
from facea_core.io.images import from_pil, load_image, save_image

from .profiles import grey_profile, rgb_profile
from .test_reading import png16

P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))


def srgb_curve(x):
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def linear(x):
    return x


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(astronaut()).crop((160, 40, 288, 168))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def levels(one: torch.Tensor, other: torch.Tensor) -> float:
    """Mean difference in levels of 255."""
    return float((one - other).abs().mean() * 255)


def with_profile(png: bytes, profile: bytes) -> bytes:
    """The PNG with an iCCP chunk behind its header."""
    body = b"iCCP" + b"profile\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]


def test_one_display_p3_photo_has_one_look_in_every_kind_of_file(photo, folder):
    p3 = rgb_profile("Display P3", P3, srgb_curve)
    photo.save(folder / "a.jpg", quality=100, subsampling=0, icc_profile=p3)
    photo.save(folder / "rgb.png", icc_profile=p3)
    photo.convert("RGBA").save(folder / "alpha.png", icc_profile=p3)
    photo.quantize(256).save(folder / "palette.png", icc_profile=p3)
    sixteen = png16(np.asarray(photo).astype(np.uint16) * 257)
    (folder / "sixteen.png").write_bytes(with_profile(sixteen, p3))
    photo.save(folder / "a.tiff", icc_profile=p3)
    photo.save(folder / "a.webp", lossless=True, icc_profile=p3)
    wanted, notes = load_image(folder / "rgb.png")
    assert notes == (CONVERTED,)
    assert levels(wanted, from_pil(photo)) > 3
    palette = from_pil(photo.quantize(256).convert("RGB"))
    for name in ("a.jpg", "alpha.png", "palette.png", "sixteen.png", "a.tiff", "a.webp"):
        image, notes = load_image(folder / name)
        assert CONVERTED in notes, name
        # A palette has its own loss, which is there without any profile.
        lost = levels(palette, from_pil(photo)) if name == "palette.png" else 0
        assert levels(image, wanted) < 2 + lost, name


def test_a_palette_is_converted_colour_by_colour(photo, folder):
    p3 = rgb_profile("Display P3", P3, srgb_curve)
    palette = photo.quantize(64)
    palette.save(folder / "p.png", icc_profile=p3)
    palette.convert("RGB").save(folder / "rgb.png", icc_profile=p3)
    assert torch.equal(load_image(folder / "p.png")[0], load_image(folder / "rgb.png")[0])
    palette.save(folder / "clear.png", icc_profile=p3, transparency=0)
    image, notes = load_image(folder / "clear.png")
    where = torch.from_numpy(np.array(palette) == 0)
    assert CONVERTED in notes
    assert "transparency laid over white" in notes
    assert (image[0][:, where] == 1).all()
    rgb = load_image(folder / "rgb.png")[0]
    assert torch.equal(image[0][:, ~where], rgb[0][:, ~where])


@pytest.mark.parametrize("kind", ["L", "LA", "I;16"])
@pytest.mark.parametrize("curve", [linear, lambda x: x**1.75])
def test_grey_pictures_keep_their_look(photo, folder, kind, curve):
    wanted = np.asarray(photo.convert("L"))
    most = 65535 if kind == "I;16" else 255
    # As the profile says it: the same light, spelt by another curve.
    light, knots = srgb_curve(wanted / 255), np.linspace(0, 1, 65536)
    stored = (np.interp(light, curve(knots), knots) * most).round()
    picture = Image.fromarray(stored.astype(np.uint16 if most > 255 else np.uint8))
    picture = picture.convert("LA") if kind == "LA" else picture
    picture.save(folder / "a.png", icc_profile=grey_profile("grey", curve))
    image, notes = load_image(folder / "a.png")
    assert CONVERTED in notes
    # Eight bits of linear light have steps of several levels where it is dark.
    near = 1 if most > 255 else 2
    assert levels(image, from_pil(Image.fromarray(wanted))) < near


def test_a_profile_counts_by_what_it_does_and_not_by_its_name(photo, folder):
    light = (srgb_curve(np.asarray(photo) / 255) * 255).round().astype(np.uint8)
    profile = rgb_profile("GIMP built-in Linear sRGB", SRGB, linear)
    Image.fromarray(light).save(folder / "a.png", icc_profile=profile)
    image, notes = load_image(folder / "a.png")
    assert notes == (CONVERTED,)
    assert levels(image, from_pil(photo)) < 2
    photo.save(folder / "b.png", icc_profile=rgb_profile("c2", SRGB, srgb_curve))
    image, notes = load_image(folder / "b.png")
    assert notes == ()
    assert torch.equal(image, from_pil(photo))


def test_a_profile_that_cannot_be_used_is_noted(photo, folder):
    for profile in (b"no profile", grey_profile("grey", linear)):
        photo.save(folder / "a.png", icc_profile=profile)
        image, notes = load_image(folder / "a.png")
        assert notes == (UNUSABLE,)
        assert torch.equal(image, from_pil(photo))


def test_a_grey_photo_may_carry_a_profile_for_colours(photo, folder):
    grey = photo.convert("L")
    grey.save(folder / "a.jpg", quality=100, icc_profile=rgb_profile("lin", SRGB, linear))
    image, notes = load_image(folder / "a.jpg")
    assert CONVERTED in notes
    assert float(image.mean()) > float(from_pil(grey).mean()) + 0.1


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_what_is_written_says_that_it_is_srgb(photo, folder, ending):
    image = from_pil(photo)
    save_image(image, folder / f"a.{ending}")
    save_image(image, folder / f"b.{ending}")
    assert (folder / f"a.{ending}").read_bytes() == (folder / f"b.{ending}").read_bytes()
    with Image.open(folder / f"a.{ending}") as made:
        assert made.info.get("srgb") == 0 or made.info["icc_profile"] == srgb_profile()
    again, notes = load_image(folder / f"a.{ending}")
    assert notes == ()
    # Chroma is not halved in JPEG.
    assert levels(again, image) < (2 if ending == "jpg" else 1e-6)
