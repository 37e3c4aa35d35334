"""Detectors, own masks and weights from the shell."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facea_core.cli import main
from facea_core.types import Box

from ...unit.grounding import save_small, see_less


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photograph in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "ada.png"
    Image.fromarray(astronaut()).crop((100, 0, 356, 256)).save(path)
    return path


def drawn(box: Box, path: Path, size: tuple[int, int] = (256, 256)) -> None:
    mask = np.zeros(size, dtype=np.uint8)
    mask[box.y0 : box.y1, box.x0 : box.x1] = 255
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(mask).save(path)


def detect(*arguments: object) -> dict:
    status = main(["detect", *map(str, arguments), "--json", "found.json"])
    assert status == 0
    (face,) = json.loads(Path("found.json").read_text())["faces"]
    return face


def test_a_drawn_mask_outweighs_what_was_found(photo: Path):
    found = detect(photo, "--detector", "landmarks")
    mask = Box(40, 200, 80, 230)
    drawn(mask, photo.parent / "masks" / "ada.mouth.png")
    own = detect(photo, "--detector", "landmarks", "--own-masks", photo.parent / "masks")
    assert own["parts"]["mouth"]["box"] == list(mask)
    assert own["parts"]["eyes"] == found["parts"]["eyes"]


def test_the_preview_tints_what_was_drawn(photo: Path):
    drawn(Box(10, 10, 40, 40), photo.parent / "masks" / "ada.mouth.png")
    plain, tinted = photo.parent / "plain.png", photo.parent / "tinted.png"
    detect(photo, "--detector", "landmarks", "--preview", plain)
    detect(photo, "--detector", "landmarks", "--preview", tinted, "--own-masks", "masks")
    one, other = (np.asarray(Image.open(path)).astype(int) for path in (plain, tinted))
    inside = (slice(30, 70), slice(30, 70))
    assert np.abs(one - other)[inside].min(axis=(0, 1)).max() > 20
    assert (one[400:, :100] == other[400:, :100]).all()


def test_masks_for_other_photos_or_of_another_shape_are_refused(photo: Path, capsys):
    masks = photo.parent / "masks"
    drawn(Box(1, 1, 9, 9), masks / "eva.mouth.png")
    assert main(["detect", str(photo), "--own-masks", str(masks)]) == 1
    assert "ada.mouth.png" in capsys.readouterr().err
    drawn(Box(1, 1, 9, 9), masks / "ada.mouth.png", (256, 100))
    assert main(["detect", str(photo), "--detector", "landmarks", "--own-masks", str(masks)]) == 1
    assert "100x256" in capsys.readouterr().err


def test_weights_on_disk_are_used_from_the_shell(photo: Path, monkeypatch):
    """A small model with random weights: it sees something, and says who it is."""
    see_less(monkeypatch)
    folder = save_small(photo.parent / "small")
    low = ("--face-threshold", 0, "--part-threshold", 0, "--on-missing", "pass")
    with_model = detect(photo, "--detector-model", folder, *low)
    assert with_model["detector"] in ("grounding-dino", "")
    (Path("models") / "grounding-dino").mkdir(parents=True)
    folder.rename(Path("models") / "grounding-dino" / "small")
    assert detect(photo, "--detector", "grounding-dino", *low) == with_model


def test_a_fetched_file_is_kept_and_found_again(photo: Path, monkeypatch):
    """The network's part is in test_download; here a file that is there is never fetched."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(photo.parent / "cache"))
    kept = photo.parent / "cache" / "facea" / "grounding-dino" / "groundingdino_swint_ogc.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"not the real one")
    before = hashlib.sha256(kept.read_bytes()).hexdigest()
    assert main(["detect", str(photo), "--detector-download", "swint"]) == 1
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == before
