"""The Python of docs/python.md and of the README as it is written, in a new interpreter."""

import os
import re
import subprocess
import sys
from pathlib import Path

from facea_core import load_image, save_image
from facea_core.demo import draw_cast

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")


def quick_start(page: str) -> str:
    """The first block of Python on a page."""
    return page.split("```python\n")[1].split("```")[0]


def run(code: str, folder: Path) -> str:
    """What a new Python, with the package on its path, prints for the code in this folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def replaced(code: str, values: dict[str, str]) -> str:
    for old, new in values.items():
        assert code.count(old) == 1, old
        code = code.replace(old, new)
    return code


def test_the_quick_start_runs_as_written(tmp_path: Path):
    """With 2 steps in place of 30, for time."""
    said = run(replaced(quick_start(PAGE), {"steps=30": "steps=2"}), tmp_path)
    assert re.fullmatch(r"likeness -?0\.\d\d\n", said)
    assert {path.name for path in tmp_path.iterdir()} == {"ada.safetensors", "ada.png"}


def test_the_short_one_in_the_readme_runs_with_the_painted_people(tmp_path: Path):
    """With the miniature in place of a checkpoint, and a step of its preset."""
    cast = draw_cast(3)
    for number, image in enumerate(cast.photos.image.split(1), start=1):
        save_image(image, tmp_path / f"ada-{number}.jpg")
    save_image(cast.context.image, tmp_path / "party.png")
    small = {
        '"sd-v1-5-inpainting.safetensors", "cuda"': '"tiny"',
        "TrainConfig()": 'TrainConfig.from_preset("tiny", steps=1)',
    }
    run(replaced(quick_start((ROOT / "README.md").read_text("utf-8")), small), tmp_path)
    assert load_image(tmp_path / "ada-at-the-party.png")[0].shape == cast.context.image.shape


def test_the_package_lists_its_names_and_imports_none(tmp_path: Path):
    code = """
import sys
import facea_core
assert set(facea_core.__all__) <= set(dir(facea_core))
assert not {"torch", "numpy"} & set(sys.modules)
from facea_core import *
assert train_identity and "torch" in sys.modules
"""
    assert run(code, tmp_path) == ""
