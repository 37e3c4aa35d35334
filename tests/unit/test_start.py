"""What starts quickly imports nothing large: help without any library, info without torch, all
without diffusers."""

import ast
import json
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import facea_core
from facea_core.backbone.base import TINY_FILE
from facea_core.cli import COMMANDS
from facea_core.identity import describe_identity, load_identity, save_identity, summary
from facea_core.io.assets import asset
from facea_core.types import Identity

CORE = Path(facea_core.__file__).parent
LARGE = ("diffusers", "transformers", "peft", "dlib", "scipy")


def started(code: str) -> set[str]:
    """The large libraries that a new Python has after `code`."""
    script = f"""
import json, os, sys
sys.stdout = open(os.devnull, "w")
{code}
large = [name for name in ("torch", "numpy", "PIL", "tqdm", *{LARGE}) if name in sys.modules]
print(json.dumps(large), file=sys.__stdout__)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=CORE.parent, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def after(*commands: tuple[tuple[str, ...], int]) -> set[str]:
    """The large libraries of one Python after commands, each of which ends with its status."""
    return started(f"""
from facea_core.cli import main
for words, wanted in {commands!r}:
    try:
        status = main(list(words))
    except SystemExit as end:
        status = end.code
    assert status == wanted, (words, status)
""")


def test_help_needs_no_library():
    assert after((("--help",), 0), *(((name, "--help"), 0) for name in COMMANDS)) == set()


GIVEN = ("--name", "ada", "--class", "woman", "--base", "none.safetensors")


def test_what_is_wrong_on_a_command_line_is_said_before_a_library_is_needed():
    wrong = (
        (("train", *GIVEN, "--stps", "3"), 2),
        (("train", *GIVEN, "--steps", "many"), 2),
        (("train", *GIVEN, "--steps", "0"), 1),
        (("train", *GIVEN, "--clip-skip", "99"), 1),
        (("train", *GIVEN, "--preset", "papper"), 1),
        (("train", *GIVEN, "--name", "Ada/L."), 1),
        (("train", *GIVEN, "--config", "none.json"), 1),
        (("train", "--name", "ada"), 2),
        (("compose", "a.png", "--sampler", "magic"), 2),
        (("detect", "a.png", "--attributes", "eyess"), 1),
        (("audit", "a.png", "--soft", "2"), 1),
        (("evaluate", "a.png", "--held-out", "b.png", "--face-order", "none"), 2),
        (("benchmark", "--arms", "none"), 2),
        (("demo", "--seed", "one"), 2),
        (("info",), 2),
        (("doctor", "now"), 2),
    )
    assert after(*wrong) == set()


def test_defaults_that_go_by_the_model_are_shown_without_torch():
    tiny = str(asset(TINY_FILE))
    words = ("train", *GIVEN[:-1], tiny, "--help")
    assert after((words, 0)) <= {"numpy"}


def test_info_needs_no_torch(tmp_path, identity: Identity):
    save_identity(identity, tmp_path / "ada.safetensors")
    path = str(tmp_path / "ada.safetensors")
    assert after((("info", path), 0)) <= {"numpy", "tqdm"}


def test_what_the_nodes_import_needs_torch_alone():
    modules = (
        "identity_store.store selection composing training audit detection.load demo "
        "io.generated_images doctor.checks"
    )
    large = started("\n".join(f"import facea_core.{name}" for name in modules.split()))
    assert not large & set(LARGE)


def test_large_libraries_are_imported_inside_functions():
    eager = []
    for path in CORE.rglob("*.py"):
        name = path.relative_to(CORE).as_posix()
        for node in ast.parse(path.read_text("utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            eager += [f"{name}: {one}" for one in names if one.split(".")[0] in LARGE]
    assert eager == []


def test_described_without_torch_is_what_loading_says(tmp_path, identity: Identity):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    described = describe_identity(path)
    assert described.pop("file") == path.name
    assert described.pop("bytes") == path.stat().st_size
    assert described == summary(load_identity(path))


DOORS = sorted(
    ".".join(path.parent.relative_to(CORE.parent).parts)
    for path in CORE.rglob("__init__.py")
    if "door(" in path.read_text("utf-8")
)


@pytest.mark.parametrize("package", DOORS)
def test_a_door_hands_out_its_names_and_no_others(package: str):
    opened = import_module(package)
    for name in opened.__all__:
        assert getattr(opened, name) is not None
        # An imported module stands in its package under its own name, before any door.
        assert find_spec(f"{package}.{name}") is None
    with pytest.raises(AttributeError, match="nothing"):
        opened.nothing  # noqa: B018
