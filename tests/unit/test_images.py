import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from facea_core.errors import AssetError, ImageError, MaskError
from facea_core.io.images import (
    atomic_path,
    check_image,
    check_mask,
    crop,
    from_pil,
    load_image,
    resize,
    save_image,
    to_pil,
    to_rgb,
)
from facea_core.types import Box


@pytest.fixture
def ramp():
    """RGB bytes (24, 32, 3) in which every channel and corner differs."""
    y, x = np.mgrid[:24, :32]
    return np.stack([x * 8, y * 10, (x + y) * 4], axis=-1).astype(np.uint8)


def as_image(array):
    return torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255


def read(picture, path, **options):
    picture.save(path, **options)
    return load_image(path)


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


def test_saving_round_trips(ramp, tmp_path):
    image = as_image(ramp)
    save_image(image, tmp_path / "new" / "a.png")
    assert torch.equal(load_image(tmp_path / "new" / "a.png")[0], image)
    save_image(image[0], tmp_path / "a.JPG")
    assert (load_image(tmp_path / "a.JPG")[0] - image).abs().mean() < 0.03
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.JPG", "new"]


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "webp"])
def test_what_nobody_painted_says_nothing_of_itself(ramp, tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    save_image(as_image(ramp), path)
    with Image.open(path) as saved:
        assert not saved.getexif()


def test_saving_where_it_cannot_be_says_so(ramp, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(AssetError, match="file"):
        save_image(as_image(ramp), tmp_path / "file" / "a.png")
    with pytest.raises(AssetError, match=r"unknown ending '\.xyz'.*\.png"):
        save_image(as_image(ramp), tmp_path / "a.xyz")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(AssetError, match=r"a\.png"):
        save_image(as_image(ramp), tmp_path / "a.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "file"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, ImageError, OSError])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail():
        with atomic_path(path) as part:
            part.write_bytes(b"half")
            raise failure("stop")

    with pytest.raises(AssetError if failure is OSError else failure):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_finished_write_replaces_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with atomic_path(path) as part:
        assert part.parent == path.parent
        assert part.suffix == ".bin"
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(AssetError, match=r"b\.bin"), atomic_path(tmp_path / "b.bin"):
        pass


def test_pil_and_back(ramp):
    image = as_image(ramp)
    assert torch.equal(from_pil(to_pil(image)), image)
    mask = (torch.rand(1, 1, 8, 9, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    assert to_pil(mask).mode == "L"
    assert torch.equal(from_pil(to_pil(mask))[:, :1], mask)
    with pytest.raises(ImageError, match=r"\(2, 3, 4, 4\)"):
        to_pil(torch.zeros(2, 3, 4, 4))


def test_channels_at_the_door(ramp):
    image = as_image(ramp)
    assert to_rgb(image) == (image, ())
    rgb, notes = to_rgb(torch.cat([image, torch.zeros(1, 1, 24, 32)], dim=1))
    assert torch.equal(rgb, torch.ones_like(image))
    assert notes
    assert torch.equal(to_rgb(image[:, :1])[0][:, 2], image[:, 0])
    with pytest.raises(ImageError, match=r"\(1, 2, 24, 32\)"):
        to_rgb(image[:, :2])


def test_good_tensors_pass_and_small_overshoot_is_cut():
    image = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    assert torch.equal(check_image(image), image)
    assert check_image(image.double()).dtype == torch.float32
    assert check_image(image * 1.2 - 0.1).amax() == 1
    for mask in (image[:1, :1], image[:, :1]):
        assert torch.equal(check_mask(mask, image), mask)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (torch.zeros(3, 20, 20), r"\(3, 20, 20\)"),
        (torch.zeros(1, 4, 20, 20), r"\(1, 4, 20, 20\)"),
        (torch.zeros(0, 3, 20, 20), r"\(0, 3, 20, 20\)"),
        (torch.zeros(1, 3, 1, 1), "1x1 pixels"),
        (torch.zeros(1, 3, 20, 20, dtype=torch.uint8), "uint8"),
        (torch.full((1, 3, 20, 20), float("nan")), "NaN"),
        (torch.full((1, 3, 20, 20), float("inf")), "infinite"),
        (torch.full((1, 3, 20, 20), 255.0), "255"),
        (torch.full((1, 3, 20, 20), -1.0), "-1"),
    ],
)
def test_bad_images_are_refused_with_what_was_seen(image, said):
    with pytest.raises(ImageError, match=said):
        check_image(image)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (torch.zeros(20, 24), r"\(20, 24\)"),
        (torch.zeros(1, 3, 20, 24), r"\(1, 3, 20, 24\)"),
        (torch.zeros(1, 1, 24, 20), "20x24.*24x20"),
        (torch.zeros(3, 1, 20, 24), "3 masks for 2 images"),
        (torch.full((1, 1, 20, 24), float("nan")), "NaN"),
        (torch.full((1, 1, 20, 24), 255.0), "255"),
    ],
)
def test_bad_masks_are_refused_with_what_was_seen(mask, said):
    with pytest.raises(MaskError, match=said):
        check_mask(mask, torch.zeros(2, 3, 20, 24))


def test_resize_keeps_means_and_range():
    image = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0))
    assert resize(image, (40, 60)) is image
    for mask in (False, True):
        small = resize(image, (10, 15), mask=mask)
        assert small.shape == (1, 3, 10, 15)
        assert abs(small.mean() - image.mean()) < 0.01
        large = resize(image.round(), (100, 90), mask=mask)
        assert large.min() >= 0
        assert large.max() <= 1
    step = torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 1
    # A resized soft edge must rise without ringing.
    assert (resize(step, (32, 32), mask=True).diff(dim=-1) >= 0).all()


def test_crop_inside_and_outside(ramp):
    image = as_image(ramp)
    box = Box(4, 5, 20, 15)
    assert torch.equal(crop(image, box), image[..., 5:15, 4:20])
    assert torch.equal(crop(image, box, fill="zero"), image[..., 5:15, 4:20])
    out = Box(-3, -2, 40, 30)
    repeated, zero = crop(image, out), crop(image, out, fill="zero")
    assert repeated.shape == zero.shape == (1, 3, 32, 43)
    assert torch.equal(repeated[..., 2:26, 3:35], image)
    assert torch.equal(repeated[..., 0, 0], image[..., 0, 0])
    assert torch.equal(repeated[..., -1, -1], image[..., -1, -1])
    assert zero.sum() == pytest.approx(float(image.sum()), rel=1e-5)
    far = Box(100, 100, 104, 104)
    assert torch.equal(crop(image, far, fill="zero"), torch.zeros(1, 3, 4, 4))
    assert (crop(image, far) == image[..., -1:, -1:]).all()
    with pytest.raises(ImageError, match="empty box"):
        crop(image, Box(5, 5, 5, 9))
