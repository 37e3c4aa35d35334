"""A saved picture has its pixels, its graph, and the word that it was generated."""

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from facea_core.errors import AssetError, ConfigError, ImageError
from facea_core.io.generated_images import ALL, GENERATED, PART, save_generated
from facea_core.io.images import from_pil, load_image

KINDS = ("png", "jpg", "webp")
GRAPH = {
    "prompt": json.dumps({"1": {"inputs": {"text": "ü \u2192 ☃"}}}),
    "workflow": '{"nodes": []}',
}
SOURCE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.fixture
def picture() -> torch.Tensor:
    """Bytes of every value, as a file of 8 bits gives them."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (1, 3, 40, 56), generator=generator).float() / 255


def texts(path: Path) -> dict[str, str]:
    """What a PNG says in text, or another file in EXIF."""
    with Image.open(path) as opened:
        if path.suffix == ".png":
            return dict(opened.text)  # type: ignore
        exif = opened.getexif()
        said = [value.split(":", 1) for tag in (0x0110, 0x010F) if (value := exif.get(tag))]
        return {
            **dict(said),
            "Software": exif[ExifTags.Base.Software],
            "Generated": exif[ExifTags.Base.ImageDescription],
        }


def source_type(path: Path) -> str | None:
    """IPTC's DigitalSourceType, found as programs find it: the packet of XMP in the bytes."""
    data = path.read_bytes()
    start, end = data.index(b"<x:xmpmeta"), data.index(b"</x:xmpmeta>") + len(b"</x:xmpmeta>")
    found = ElementTree.fromstring(data[start:end]).iter(SOURCE)
    return next(found).text


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_what_it_is_and_what_made_it(picture, tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    assert save_generated(picture, path, graph=GRAPH) == ()
    said = texts(path)
    assert said.items() >= {**GRAPH, **GENERATED}.items()
    assert source_type(path) == f"{TERMS}compositeWithTrainedAlgorithmicMedia"
    save_generated(picture, path, source=ALL)
    assert source_type(path) == f"{TERMS}trainedAlgorithmicMedia"
    assert not GRAPH.keys() & texts(path).keys()
    assert texts(path).items() >= GENERATED.items()


@pytest.mark.parametrize("kind", KINDS)
def test_pillow_finds_the_packet_too(picture, tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    save_generated(picture, path, graph=GRAPH)
    with Image.open(path) as opened:
        packet = opened.info.get("xmp") or opened.info["XML:com.adobe.xmp"].encode()
    assert packet.startswith(b"<?xpacket begin=")
    assert packet.endswith(b'<?xpacket end="w"?>')


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_no_pixel_is_lost(picture, tmp_path, kind):
    save_generated(picture, tmp_path / f"a.{kind}")
    assert torch.equal(load_image(tmp_path / f"a.{kind}")[0], picture)


@pytest.mark.parametrize("side", range(1, 12))
def test_what_lies_before_the_graph_in_a_webp_has_even_lengths(tmp_path, side):
    noise = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(side))
    save_generated(noise, tmp_path / "a.webp", graph=GRAPH)
    with Image.open(tmp_path / "a.webp") as opened:
        assert torch.equal(from_pil(opened), (noise * 255).round() / 255)
    data, at = (tmp_path / "a.webp").read_bytes(), 12
    while data[at : at + 4] != b"EXIF":
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        assert at % 2 == 0


def test_a_jpeg_keeps_small_colours_and_its_quality(tmp_path):
    dots = torch.zeros(1, 3, 64, 64)
    dots[:, 0, :, ::2] = 1  # red beside black: at half the size of colours both are dark red
    save_generated(dots, tmp_path / "a.jpg")
    assert (load_image(tmp_path / "a.jpg")[0] - dots).abs().mean() < 0.02
    save_generated(dots, tmp_path / "b.jpg", quality=20)
    assert os.path.getsize(tmp_path / "b.jpg") < os.path.getsize(tmp_path / "a.jpg")


def test_a_jpeg_keeps_a_long_workflow(picture, tmp_path):
    long = {"prompt": "x" * 65_000}
    assert save_generated(picture, tmp_path / "a.jpg", graph=long) == ()
    assert texts(tmp_path / "a.jpg")["prompt"] == long["prompt"]
    assert source_type(tmp_path / "a.jpg")


def test_a_workflow_too_long_for_a_jpeg_is_left_out_and_said(picture, tmp_path):
    long = {"prompt": "x" * 70_000}
    (note,) = save_generated(picture, tmp_path / "a.jpg", graph=long)
    assert "workflow" in note
    assert "prompt" not in texts(tmp_path / "a.jpg")
    assert source_type(tmp_path / "a.jpg")
    for kind in ("png", "webp"):
        assert save_generated(picture, tmp_path / f"a.{kind}", graph=long) == ()
        assert texts(tmp_path / f"a.{kind}")["prompt"] == long["prompt"]


def test_names_that_are_none_and_those_of_ours_change_nothing(picture, tmp_path):
    odd = {"": "1", "x" * 80: "1", "ключ": "1", "a\nb": "1", "Generated": "by hand"}
    for kind in KINDS:
        save_generated(picture, tmp_path / f"a.{kind}", graph=odd)
        assert texts(tmp_path / f"a.{kind}").items() >= GENERATED.items()


@pytest.mark.parametrize(("kind", "width"), [("webp", 16400), ("jpg", 65600)])
def test_a_picture_larger_than_its_format_is_refused(tmp_path, kind, width):
    wide = torch.zeros(1, 3, 1, width)
    with pytest.raises(ImageError, match="PNG"):
        save_generated(wide, tmp_path / f"a.{kind}")
    save_generated(wide, tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("values", [{"quality": 0}, {"quality": 1.5}, {"source": "none"}])
def test_settings_that_are_none(picture, tmp_path, values):
    with pytest.raises(ConfigError, match="quality|generated"):
        save_generated(picture, tmp_path / "a.jpg", **values)


@pytest.mark.parametrize("name", ["a.gif", "no\0name.png", "x" * 300 + ".png", "file/a.png"])
def test_a_place_that_cannot_be_is_refused_and_nothing_is_left(picture, tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(AssetError):
        save_generated(picture, f"{tmp_path}/{name}")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_older_file_stays_where_the_new_one_fails(picture, tmp_path, monkeypatch):
    save_generated(picture, tmp_path / "a.png", source=PART)
    before = (tmp_path / "a.png").read_bytes()

    def full(_descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AssetError, match="No space left"):
        save_generated(picture, tmp_path / "a.png", source=ALL)
    assert (tmp_path / "a.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_alpha_is_kept_and_the_colours_below_it(ending: str, tmp_path: Path):
    image = torch.rand(1, 4, 20, 30, generator=torch.Generator().manual_seed(0))
    image[:, 3, :, :10] = 0
    path = tmp_path / f"a{ending}"
    assert save_generated(image, path) == ()
    read = np.asarray(Image.open(path))
    assert np.array_equal(read, (image[0].movedim(0, -1) * 255).round().numpy().astype(np.uint8))


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp"])
def test_what_is_written_says_that_it_is_srgb(picture, tmp_path: Path, ending: str):
    path = tmp_path / f"a{ending}"
    save_generated(picture, path)
    with Image.open(path) as read:
        read.load()
        assert "srgb" in read.info if ending == ".png" else read.info["icc_profile"]
