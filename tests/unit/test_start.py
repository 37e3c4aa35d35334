"""What starts quickly imports nothing large: help and info without torch, all without diffusers."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import facea_core
from facea_core.identity import describe_identity, load_identity, save_identity, summary
from facea_core.late import door

from .test_identity_file import identity  # noqa: F401

CORE = Path(facea_core.__file__).parent
LARGE = ("diffusers", "transformers", "peft", "dlib", "scipy")


def started(code: str) -> tuple[set[str], float]:
    """The large libraries that a new Python has after `code`, and its CPU seconds."""
    script = f"""
import json, os, sys, time
sys.stdout = open(os.devnull, "w")
{code}
large = [name for name in ("torch", *{LARGE}) if name in sys.modules]
print(json.dumps([large, time.process_time()]), file=sys.__stdout__)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=CORE.parent, timeout=120
    )
    assert done.returncode == 0, done.stderr
    large, seconds = json.loads(done.stdout)
    return set(large), seconds


def test_help_needs_no_library():
    large, seconds = started("from facea_core.cli import main\nmain(['--help'])")
    assert large == set()
    assert seconds < 1


def test_info_needs_no_library(tmp_path, identity):  # noqa: F811
    save_identity(identity, tmp_path / "ada.safetensors")
    path = str(tmp_path / "ada.safetensors")
    code = f"from facea_core.cli import main\nassert main(['info', {path!r}]) == 0"
    large, seconds = started(code)
    assert large == set()
    assert seconds < 2


def test_what_the_nodes_import_needs_torch_alone():
    modules = (
        "identity_store.store selection composing training audit detection.load demo "
        "io.generated_images doctor.checks"
    )
    large, _ = started("\n".join(f"import facea_core.{name}" for name in modules.split()))
    assert large <= {"torch"}


def test_large_libraries_are_imported_inside_functions():
    eager = []
    for path in CORE.rglob("*.py"):
        name = path.relative_to(CORE).as_posix()
        for node in ast.parse(path.read_text("utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            eager += [f"{name}: {one}" for one in names if one.split(".")[0] in LARGE]
    assert eager == []


def test_described_without_torch_is_what_loading_says(tmp_path, identity):  # noqa: F811
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    described = describe_identity(path)
    assert described.pop("file") == path.name
    assert described.pop("bytes") == path.stat().st_size
    assert described == summary(load_identity(path))


def test_a_door_hands_out_its_names_and_no_others():
    package = facea_core.__name__ + ".identity"
    find = door(package, {"names": ("check_name",)})
    assert find("check_name")("ada") == "ada"
    with pytest.raises(AttributeError, match="nothing"):
        find("nothing")
    import facea_core.identity as opened

    for name in opened.__all__:
        assert getattr(opened, name) is not None
