"""The import rules of docs/architecture.md, read from the source with `ast`."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import facea_core

CORE = Path(facea_core.__file__).parent
MAX_LINES = 300

VALUES = ("errors", "box", "types", "attributes", "settings")
GROUND = (*VALUES, "images")
MODELS = (*GROUND, "backbone", "identity")
TASKS = ("detection", "training", "composing", "evaluation")

# Who may import whom inside facea_core (and always itself); what is not listed is not allowed. A
# ring is a file or a folder; a folder in a folder may be a ring of its own.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "": (),
    "errors": (),
    "box": (),
    "settings": ("errors",),
    "types": ("errors", "box"),
    "attributes": ("errors", "types"),
    "images": VALUES,
    "outputs": GROUND,
    "backbone": GROUND,
    "tiny": (*GROUND, "backbone"),
    "tiny.pretrain": (*MODELS, *TASKS, "tiny"),
    "detection": (*GROUND, "tiny"),
    "identity": (*GROUND, "backbone"),
    "training": MODELS,
    "composing": MODELS,
    "evaluation": (*GROUND, "tiny", "detection"),
    "report": GROUND,
    "library": (*MODELS, *TASKS, "report", "outputs"),
    "demo": (*MODELS, *TASKS, "tiny", "report", "outputs"),
    "cli": (*MODELS, *TASKS, "demo", "outputs"),
}

# Top-level modules that a file of facea_core may import only where the pattern matches.
ONLY_IN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("comfy", "comfy_api", "comfy_extras", "folder_paths", "server", "nodes"), ()),
    **dict.fromkeys(("pickle", "marshal", "shelve", "dill", "cloudpickle"), ()),
    **dict.fromkeys(("socket", "urllib", "requests", "httpx", "huggingface_hub"), ()),
    "tyro": ("cli",),
}

# Calls that a file of facea_core may make only in these packages.
CALLS_ONLY_IN: dict[str, tuple[str, ...]] = {
    "print": ("cli",),
    "eval": (),
    "exec": (),
    "compile": (),
    "torch.load": (),
    "numpy.load": (),
    "np.load": (),
}


@dataclass(frozen=True)
class Import:
    line: int
    relative: bool
    target: tuple[str, ...]


def imports_of(tree: ast.AST, package: tuple[str, ...]) -> Iterator[Import]:
    """Every import in a file of `package`, at any depth; relative ones seen from facea_core."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, False, tuple(alias.name.split(".")))
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                base = package[: len(package) - node.level + 1]
                for alias in node.names:
                    yield Import(node.lineno, True, (*base, *module, alias.name))
            else:
                for alias in node.names:
                    yield Import(node.lineno, False, (*module, alias.name))


def ring_of(parts: tuple[str, ...]) -> str:
    """The innermost ring of a dotted path from facea_core; its first part if it is in none."""
    paths = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((path for path in paths if path in MAY_IMPORT), parts[0])


def calls_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def violations(root: Path) -> list[str]:
    """What breaks the rules in the source tree of a facea_core at `root`, one line each."""
    found = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        package = name.parts[:-1]
        module = name.with_suffix("").parts
        ring = "" if module == ("__init__",) else ring_of(module)

        lines = len(source.splitlines())
        if lines > MAX_LINES:
            found.append(f"{name}: {lines} lines, at most {MAX_LINES}")
        if ring not in MAY_IMPORT:
            found.append(f"{name}: {ring} has no row in MAY_IMPORT")
            continue
        for item in imports_of(tree, package):
            where = f"{name}:{item.line}"
            top = item.target[0]
            if item.relative:
                # `from .. import __version__` reaches a name of the root package and no module.
                other = ring_of(item.target)
                if not top.startswith("__") and other not in (ring, *MAY_IMPORT[ring]):
                    found.append(f"{where}: {ring or 'facea_core'} must not import {other}")
            elif top == "facea_core":
                found.append(f"{where}: imports inside the package are relative")
            elif item.target[:2] == ("torch", "load"):
                found.append(f"{where}: torch.load is not allowed")
            elif ring not in ONLY_IN.get(top, (ring,)):
                found.append(f"{where}: {ring} must not import {top}")
        for line, call in calls_of(tree):
            if ring not in CALLS_ONLY_IN.get(call, (ring,)):
                found.append(f"{name}:{line}: {call} is not allowed here")
    return found


def test_facea_core_keeps_its_rules():
    assert violations(CORE) == []


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("images.py", "from .backbone import load", "images must not import backbone"),
        ("types.py", "from .images import crop", "types must not import images"),
        ("backbone/load.py", "from ..detection import tiny", "backbone must not import detection"),
        ("backbone/load.py", "from .. import training", "backbone must not import training"),
        ("training/loop.py", "from ..evaluation.metrics import x", "must not import evaluation"),
        ("demo.py", "from .cli import main", "demo must not import cli"),
        ("demo.py", "from .tiny.pretrain import fit", "demo must not import tiny.pretrain"),
        ("tiny/model.py", "from ..detection import base", "tiny must not import detection"),
        ("tiny/model.py", "from .pretrain import fit", "tiny must not import tiny.pretrain"),
        ("training/loop.py", "from ..managers import x", "training must not import managers"),
        ("images.py", "def late():\n    from .cli import main", "images must not import cli"),
        ("training/loop.py", "import facea_core.types", "imports inside the package are relative"),
        ("training/loop.py", "import comfy.utils", "training must not import comfy"),
        ("composing/plan.py", "from folder_paths import x", "must not import folder_paths"),
        ("report.py", "import tyro", "report must not import tyro"),
        ("training/state.py", "import pickle", "training must not import pickle"),
        ("training/state.py", "import torch\ntorch.load('x')", "torch.load is not allowed here"),
        ("training/state.py", "from torch import load", "torch.load is not allowed"),
        ("images.py", "print('hello')", "print is not allowed here"),
        ("cli/info.py", "eval('1')", "eval is not allowed here"),
        ("report.py", "x = 1\n" * 301, "301 lines, at most 300"),
        ("managers.py", "", "managers has no row in MAY_IMPORT"),
    ],
)
def test_a_broken_rule_is_found(tmp_path: Path, file: str, source: str, complaint: str):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    found = violations(tmp_path)
    assert len(found) == 1, found
    assert found[0].startswith(file)
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("training/loop.py", "from ..types import Photo\nfrom .config import TrainConfig"),
        ("identity/file.py", "from .. import __version__"),
        ("tiny/pretrain/score.py", "from ...detection.base import FACE\nfrom ..model import x"),
        ("cli/__init__.py", "from ..demo import run_demo\nimport tyro\nprint('hello')"),
    ],
)
def test_a_kept_rule_is_silent(tmp_path: Path, file: str, source: str):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert violations(tmp_path) == []


IMPORT_EVERYTHING = """
import importlib, pkgutil, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise RuntimeError(f"{event} {arguments} during an import")

sys.addaudithook(refuse)
import facea_core
assert "torch" not in sys.modules, "import facea_core imports torch"
for module in pkgutil.walk_packages(facea_core.__path__, "facea_core."):
    importlib.import_module(module.name)
"""


def test_importing_every_module_opens_no_connection_and_prints_nothing():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_the_repository_root_shadows_no_host_module():
    """ComfyUI's own top-level module is called `nodes`; ours must not be importable as one."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", "import importlib.util as u; print(u.find_spec('nodes'))"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "None", done.stdout
