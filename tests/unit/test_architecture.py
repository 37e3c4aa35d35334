"""The import rules of docs/architecture.md, read from the source with `ast`: those of facea_core.

`test_pack_rules.py` holds those of the nodes around it.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import facea_core
from tests.unit.imports import calls_of, circle_in, found_in, imports_of, too_long, unsafe_loads

CORE = Path(facea_core.__file__).parent

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "box", "seeds", "lazy", "late", "version", "dlib_models", "synthetic"),
    ("types", "settings", "machine"),
    ("attributes", "io", "engines"),
    ("masks", "backbone"),
    ("identity", "detection"),
    ("training", "composing", "evaluation", "hints"),
    (
        *("audit", "doctor", "selection", "identity_store", "sliders", "demo", "portraits"),
        "restoring",
    ),
    ("dataset", "people"),
    ("cli",),
)
"""A room is a file or a folder of facea_core. It may import rooms on the floors below its own."""

FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# Top-level modules that only files of these folders may import; nobody where there is none.
ONLY_IN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("comfy", "comfy_api", "comfy_extras", "folder_paths", "server", "nodes"), ()),
    **dict.fromkeys(("benchmarks", "pretraining", "peft"), ()),
    **dict.fromkeys(("marshal", "shelve", "dill", "cloudpickle"), ()),
    **dict.fromkeys(("socket", "requests", "httpx", "huggingface_hub"), ()),
    # For the name of an error, and for the one file that fetches weights when it is asked to.
    "pickle": ("detection/grounding",),
    "urllib": ("detection/grounding",),
    "scipy": ("masks.py", "composing", "dataset", "detection", "hints", "portraits", "restoring"),
    "argparse": ("cli",),
}

# Calls that only files of these folders may make.
CALLS_ONLY_IN: dict[str, tuple[str, ...]] = {
    "print": ("cli",),
    "eval": (),
    "exec": (),
    "compile": (),
    "torch.load": ("detection/grounding",),
    **dict.fromkeys(("pickle.load", "pickle.loads", "pickle.Unpickler", "pickle.dumps"), ()),
    "numpy.load": (),
    "np.load": (),
}


def violations(root: Path) -> list[str]:
    """What breaks the rules in the source tree of a facea_core at `root`, one line each."""
    found = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        found += too_long(name, source)
        room = name.removesuffix(".py").partition("/")[0]
        if room != "__init__" and room not in FLOOR:
            found.append(f"{name}: {room} is on no floor")
            continue

        def allowed(folders: tuple[str, ...], name: str = name) -> bool:
            return any(name == folder or name.startswith(f"{folder}/") for folder in folders)

        for item in imports_of(tree, Path(name).parts[:-1]):
            where, top = f"{name}:{item.line}", item.target[0]
            if item.relative:
                if top != room and not _below(top, room):
                    found.append(f"{where}: {room} must not import {top}")
            elif top == "facea_core":
                found.append(f"{where}: imports inside the package are relative")
            elif item.target[:2] == ("torch", "load"):
                found.append(f"{where}: torch.load is not allowed")
            elif top in ONLY_IN and not allowed(ONLY_IN[top]):
                found.append(f"{where}: {room} must not import {top}")
        for line, call in calls_of(tree):
            if call in CALLS_ONLY_IN and not allowed(CALLS_ONLY_IN[call]):
                found.append(f"{name}:{line}: {call} is not allowed here")
        if allowed(CALLS_ONLY_IN["torch.load"]):
            found += [f"{name}:{line}: torch.load may run code" for line in unsafe_loads(tree)]
    return found


def _below(other: str, room: str) -> bool:
    """Whether `other` lies on a floor below `room`; the package's face may name everything."""
    return room == "__init__" or FLOOR.get(other, len(FLOORS)) < FLOOR[room]


def test_facea_core_keeps_its_rules():
    assert violations(CORE) == []


def test_every_room_of_the_table_stands():
    stand = {path.stem for path in CORE.glob("*.py")} | {
        path.parent.name for path in CORE.glob("*/__init__.py")
    }
    assert stand - {"__init__"} == set(FLOOR)
    assert len(FLOORS) <= 9


@pytest.mark.parametrize("package", ["facea_core", "nodes", "benchmarks", "pretraining"])
def test_no_files_import_each_other(package: str):
    assert circle_in(CORE.parent / package) == []


@pytest.mark.parametrize(
    "arrow",
    [
        "from .work.train import train",
        "from ..room.work import train",
        "def run():\n    from . import work\n    from .work.train import train",
        "if TYPE_CHECKING:\n    from .work.train import train",
        "import room.work.train",
    ],
)
def test_a_circle_is_found(tmp_path: Path, arrow: str):
    work = tmp_path / "room" / "work"
    work.mkdir(parents=True)
    (work / "__init__.py").touch()
    (work / "train.py").write_text("from ..train import Train")
    (tmp_path / "room" / "train.py").write_text("from . import flags")
    (tmp_path / "room" / "flags.py").touch()
    assert circle_in(tmp_path / "room") == []
    (tmp_path / "room" / "train.py").write_text(arrow)
    assert set(circle_in(tmp_path / "room")) == {"room.train", "room.work.train"}


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("io/images.py", "from ..backbone import load", "io must not import backbone"),
        ("types.py", "from .io.images import crop", "types must not import io"),
        ("backbone/load.py", "from ..detection import x", "backbone must not import detection"),
        ("backbone/load.py", "from .. import training", "backbone must not import training"),
        ("identity/file.py", "from .. import __version__", "must not import __version__"),
        ("training/loop.py", "from ..evaluation.metrics import x", "must not import evaluation"),
        ("training/loop.py", "from ..composing import inpaint", "must not import composing"),
        ("demo.py", "from .cli import main", "demo must not import cli"),
        ("training/loop.py", "import pretraining", "training must not import pretraining"),
        ("selection.py", "from benchmarks.likeness import x", "must not import benchmarks"),
        ("training/loop.py", "from ..managers import x", "training must not import managers"),
        ("io/images.py", "from ...nodes import compose", "io must not import nodes"),
        ("training/loop.py", "from ...nodes.host import x", "training must not import nodes"),
        ("io/images.py", "def late():\n    from ..cli import main", "io must not import cli"),
        ("training/loop.py", "import facea_core.types", "imports inside the package are relative"),
        ("training/loop.py", "import comfy.utils", "training must not import comfy"),
        ("composing/plan.py", "from folder_paths import x", "must not import folder_paths"),
        ("io/figures.py", "import argparse", "io must not import argparse"),
        ("training/state.py", "import pickle", "training must not import pickle"),
        ("training/state.py", "import torch\ntorch.load('x')", "torch.load is not allowed here"),
        ("training/state.py", "from torch import load", "torch.load is not allowed"),
        ("detection/grounding/model.py", "torch.load('x', mmap=True)", "torch.load may run code"),
        ("detection/grounding/model.py", "import pickle\npickle.load(x)", "pickle.load is not"),
        ("detection/painted.py", "import urllib.request", "detection must not import urllib"),
        ("io/images.py", "print('hello')", "print is not allowed here"),
        ("cli/info.py", "eval('1')", "eval is not allowed here"),
        ("io/figures.py", "x = 1\n" * 301, "301 lines, at most 300"),
        ("managers.py", "", "managers is on no floor"),
    ],
)
def test_a_broken_rule_is_found(tmp_path: Path, file: str, source: str, complaint: str):
    found = found_in(violations, tmp_path, file, source)
    assert len(found) == 1, found
    assert found[0].startswith(file)
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("__init__.py", "from .training import train_identity"),
        ("training/loop.py", "from ..types import Photo\nfrom .config import TrainConfig"),
        ("identity/file.py", "from ..version import __version__"),
        ("cli/__init__.py", "from ..demo import run_demo\nimport argparse\nprint('hello')"),
    ],
)
def test_a_kept_rule_is_silent(tmp_path: Path, file: str, source: str):
    assert found_in(violations, tmp_path, file, source) == []


def test_the_repository_root_shadows_no_host_module():
    """ComfyUI's own top-level module is called `nodes`; ours must not be importable as one."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", "import importlib.util as u; print(u.find_spec('nodes'))"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "None", done.stdout
