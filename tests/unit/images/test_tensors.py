"""Pictures written, and tensors at the door."""

import pytest
import torch
from PIL import Image

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

from .arrays import as_image


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
