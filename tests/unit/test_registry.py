"""What the Comfy registry takes of the pack: its pictures, its address, its package."""

import re
from pathlib import Path

import pytest
from PIL import Image

import facea_core

ROOT = Path(facea_core.__file__).parents[1]
TOML = (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize(("name", "ratio"), [("icon.png", 1), ("banner.jpg", 21 / 9)])
def test_the_pictures_are_as_the_registry_wants_them(name: str, ratio: float):
    path = ROOT / "docs" / f"registry-{name}"
    assert path.stat().st_size < 100_000
    with Image.open(path) as picture:
        assert picture.width / picture.height == pytest.approx(ratio)
        assert ratio != 1 or picture.width <= 400


def test_the_address_is_all_that_is_missing():
    tomllib = pytest.importorskip("tomllib")
    begin, end = TOML.index("# THE ADDRESS of"), TOML.index("# THE ADDRESS ends")
    block = TOML[begin:end]
    lines = re.sub(
        r"^# ?(?=Icon|Banner|\[project|Repository|Documentation|\")", "", block, flags=re.M
    )
    filled = tomllib.loads(TOML[:begin] + lines.replace("ADDRESS", "example.org/f") + TOML[end:])
    assert set(filled["project"]["urls"]) == {"Repository", "Documentation", "Bug Tracker"}
    for key in ("Icon", "Banner"):
        address = filled["tool"]["comfy"][key]
        assert address.startswith("https://example.org/")
        assert (ROOT / "docs" / address.rsplit("/", 1)[1]).is_file()
    assert "ADDRESS" not in TOML[:begin] + TOML[end + len("# THE ADDRESS") :]


def test_what_the_registry_reads_is_there():
    tomllib = pytest.importorskip("tomllib")
    facts = tomllib.loads(TOML)
    assert "Environment :: GPU :: NVIDIA CUDA" in facts["project"]["classifiers"]
    comfy = facts["tool"]["comfy"]
    assert comfy["requires-comfyui"].startswith(">=")
    assert (ROOT / comfy["version"]["path"]).is_file()


def test_tests_and_pictures_of_the_documentation_are_not_packed():
    ignored = (ROOT / ".comfyignore").read_text("utf-8").splitlines()
    assert {"/tests/", "/docs/*.jpg", "/docs/*.png", "/.github/"} <= set(ignored)
