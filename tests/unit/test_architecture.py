"""The import rules of docs/architecture.md, read from the source with `ast`.

First those inside facea_core, then those of the pack around it: the nodes and its root.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import facea_core

CORE = Path(facea_core.__file__).parent
PACK = CORE.parent
MAX_LINES = 300

VALUES = ("errors", "box", "lazy", "late", "types", "attributes", "settings", "seeds", "machine")
GROUND = (*VALUES, "files", "sealed", "foreign", "images", "masks", "mask_files", "photos")
MODELS = (*GROUND, "backbone", "identity")
TASKS = ("detection", "training", "composing", "evaluation")

# Who may import whom inside facea_core (and always itself); what is not listed is not allowed. A
# ring is a file or a folder; a folder in a folder may be a ring of its own.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "": (),
    "errors": (),
    "box": (),
    "settings": ("errors",),
    "seeds": (),
    "machine": ("errors",),
    "types": ("errors", "box"),
    "attributes": ("errors", "types", "settings"),
    "files": ("errors",),
    "sealed": (),
    "foreign": (),
    "lazy": (),
    "late": (),
    "colour": (),
    "unreadable": ("errors", "files"),
    "reading": ("errors", "files", "colour", "unreadable"),
    "images": (*VALUES, "files", "colour", "reading"),
    "masks": (*VALUES, "images"),
    "mask_files": (*VALUES, "reading", "masks"),
    "photos": (*VALUES, "images"),
    "outputs": GROUND,
    "saving": (*GROUND, "colour", "outputs"),
    "locks": ("errors",),
    "runs": (*MODELS, "training", "report", "outputs", "saving", "locks"),
    "shelf": (*MODELS, "outputs", "saving", "locks", "runs"),
    "backbone": GROUND,
    "tiny": (*GROUND, "backbone"),
    "tiny.pretrain": (*MODELS, *TASKS, "tiny"),
    "detection": (*GROUND, "backbone", "tiny", "detection.grounding"),
    "detection.grounding": (*GROUND, "outputs", "detection"),
    "identity": (*GROUND, "backbone"),
    "training": MODELS,
    "composing": MODELS,
    "benchmark": (*MODELS, "training", "tiny"),
    "evaluation": (*GROUND, "tiny", "detection"),
    "audit": (*GROUND, "detection", "evaluation"),
    "report": GROUND,
    "library": (*MODELS, *TASKS, "report", "outputs", "runs", "shelf"),
    "choosing": (*MODELS, *TASKS),
    "demo": (*MODELS, *TASKS, "tiny", "report", "outputs", "saving"),
    "fidelity": (*MODELS, *TASKS, "tiny", "outputs", "saving", "library", "choosing"),
    "doctor": (*GROUND, "outputs", "training", "detection", "detection.grounding"),
    "cli": (
        *MODELS,
        *TASKS,
        "doctor",
        "tiny",
        "detection.grounding",
        "audit",
        "demo",
        "outputs",
        "saving",
        "benchmark",
        "fidelity",
        "choosing",
    ),  # fmt: skip
}

# Top-level modules that a file of facea_core may import only where the pattern matches.
ONLY_IN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("comfy", "comfy_api", "comfy_extras", "folder_paths", "server", "nodes"), ()),
    **dict.fromkeys(("marshal", "shelve", "dill", "cloudpickle"), ()),
    **dict.fromkeys(("socket", "requests", "httpx", "huggingface_hub"), ()),
    # For the name of an error, and for the one file that fetches weights when it is asked to.
    "pickle": ("detection.grounding",),
    "urllib": ("detection.grounding",),
    "argparse": ("cli", "tiny.pretrain"),
    "peft": ("benchmark",),
}

# Calls that a file of facea_core may make only in these packages.
CALLS_ONLY_IN: dict[str, tuple[str, ...]] = {
    "print": ("cli",),
    "eval": (),
    "exec": (),
    "compile": (),
    "torch.load": ("detection.grounding",),
    **dict.fromkeys(("pickle.load", "pickle.loads", "pickle.Unpickler", "pickle.dumps"), ()),
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


def unsafe_loads(tree: ast.AST) -> Iterator[int]:
    """Lines of torch.load without a literal weights_only=True."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            safe = [key.value for key in node.keywords if key.arg == "weights_only"]
            if not any(isinstance(one, ast.Constant) and one.value is True for one in safe):
                yield node.lineno


def too_long(name: Path, source: str) -> list[str]:
    lines = len(source.splitlines())
    return [f"{name}: {lines} lines, at most {MAX_LINES}"] if lines > MAX_LINES else []


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

        found += too_long(name, source)
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
        if ring in CALLS_ONLY_IN["torch.load"]:
            found += [f"{name}:{line}: torch.load may run code" for line in unsafe_loads(tree)]
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
        ("images.py", "from ..nodes import compose", "images must not import nodes"),
        ("training/loop.py", "from ...nodes.host import x", "training must not import nodes"),
        ("images.py", "def late():\n    from .cli import main", "images must not import cli"),
        ("training/loop.py", "import facea_core.types", "imports inside the package are relative"),
        ("training/loop.py", "import comfy.utils", "training must not import comfy"),
        ("composing/plan.py", "from folder_paths import x", "must not import folder_paths"),
        ("report.py", "import argparse", "report must not import argparse"),
        ("training/state.py", "import pickle", "training must not import pickle"),
        ("training/state.py", "import torch\ntorch.load('x')", "torch.load is not allowed here"),
        ("training/state.py", "from torch import load", "torch.load is not allowed"),
        ("detection/grounding/model.py", "torch.load('x', mmap=True)", "torch.load may run code"),
        ("detection/grounding/model.py", "import pickle\npickle.load(x)", "pickle.load is not"),
        ("detection/tiny.py", "import urllib.request", "detection must not import urllib"),
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
        ("cli/__init__.py", "from ..demo import run_demo\nimport argparse\nprint('hello')"),
    ],
)
def test_a_kept_rule_is_silent(tmp_path: Path, file: str, source: str):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert violations(tmp_path) == []


# The pack around facea_core: part -> what it may import of Python's packages beside the standard
# library, and of the pack. `nodes` is nodes/__init__.py; `node` a file beside it, or a name in it;
# `host` a file of nodes/host/.
HOST_ONLY = (
    "comfy", "comfy_execution", "folder_paths", "server", "latent_preview", "node_helpers",
    "comfyui_version",
)  # fmt: skip
PACK_MAY_IMPORT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "root": ((), ("nodes", "node")),
    "nodes": (("comfy_api",), ("node", "host")),
    "node": (("comfy_api", "torch"), ("host", "facea_core")),
    "host": (("comfy_api", "torch", *HOST_ONLY), ("host", "facea_core")),
}

# What of facea_core is not for nodes: it speaks to a shell, or needs hours.
NOT_FOR_NODES = (("facea_core", "cli"), ("facea_core", "tiny", "pretrain"))


def part_of(target: tuple[str, ...]) -> str:
    """Which part of the pack a dotted path from its root belongs to; its first name if none."""
    if target[:2] == ("nodes", "host"):
        return "host"
    if target[0] == "nodes":
        return "node" if len(target) > 1 and target[1] != "__init__" else "nodes"
    return "root" if target == ("__init__",) else target[0]


def late_lines(tree: ast.AST) -> set[int]:
    """The lines inside functions, which run only when somebody calls."""
    functions = (
        node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    return {line for node in functions for line in range(node.lineno, (node.end_lineno or 0) + 1)}


def pack_violations(root: Path) -> list[str]:
    """What breaks the rules in __init__.py and nodes/ of a pack at `root`, one line each."""
    found = []
    for path in sorted([root / "__init__.py", *(root / "nodes").rglob("*.py")]):
        if not path.exists():
            continue
        name = path.relative_to(root)
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        part = part_of(name.with_suffix("").parts)
        packages, parts = PACK_MAY_IMPORT[part]
        late = late_lines(tree)
        found += too_long(name, source)
        for item in imports_of(tree, name.parts[:-1]):
            where, top = f"{name}:{item.line}", item.target[0]
            private = [one for one in item.target if one.startswith("_") and one != "__future__"]
            if part == "root" and item.line not in late:
                found.append(f"{where}: the root imports only when ComfyUI calls")
            elif not item.relative:
                if top in ("facea_core", "facea_net", "nodes"):
                    found.append(f"{where}: imports inside the pack are relative")
                elif top not in sys.stdlib_module_names and top not in packages:
                    found.append(f"{where}: {part} must not import {top}")
            elif any(item.target[: len(path)] == path for path in NOT_FOR_NODES):
                found.append(f"{where}: {'.'.join(item.target)} is not for nodes")
            elif part_of(item.target) not in parts:
                found.append(f"{where}: {part} must not import {part_of(item.target)}")
            elif private:
                found.append(f"{where}: {private[0]} is private to its file")
    return found


def test_the_pack_keeps_its_rules():
    assert (PACK / "nodes" / "host").is_dir()
    assert pack_violations(PACK) == []


NODE, HOST, FIRST = "nodes/train.py", "nodes/host/models.py", "nodes/__init__.py"
LATE = "async def comfy_entrypoint():\n    "


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        *((NODE, f"import {module}", f"node must not import {module}") for module in HOST_ONLY),
        *((FIRST, f"import {module}", f"nodes must not import {module}") for module in HOST_ONLY),
        (NODE, "import comfy.utils", "node must not import comfy"),
        (NODE, "def late():\n    from comfy import sample", "node must not import comfy"),
        (NODE, "import comfy_extras.nodes_lora", "node must not import comfy_extras"),
        (NODE, "from PIL import Image", "node must not import PIL"),
        (NODE, "import execution", "node must not import execution"),
        (NODE, "from .compose import FaceAInpaintCompose", "node must not import node"),
        (NODE, "from . import compose", "node must not import node"),
        (NODE, "from ..facea_core.cli import main", "facea_core.cli.main is not for nodes"),
        (NODE, "from ..facea_core.tiny.pretrain import fit", "is not for nodes"),
        (NODE, "from ..facea_core.library import _save", "_save is private to its file"),
        (NODE, "from .host.patching import _patches", "_patches is private to its file"),
        (NODE, "from ..tests.conftest import backbone", "node must not import tests"),
        (NODE, "import facea_core.types", "imports inside the pack are relative"),
        (NODE, "from nodes.host import schema", "imports inside the pack are relative"),
        (NODE, "x = 1\n" * 301, "301 lines, at most 300"),
        (FIRST, "from ..facea_core.library import train_once", "nodes must not import facea_core"),
        (HOST, "from ..train import FaceAEmbeddingTrainer", "host must not import node"),
        (HOST, "from .. import train", "host must not import node"),
        (HOST, "import comfy_extras", "host must not import comfy_extras"),
        (HOST, "import nodes", "imports inside the pack are relative"),
        (HOST, "import requests", "host must not import requests"),
        (HOST, "from ...facea_core.cli.talk import x", "is not for nodes"),
        (HOST, "x = 1\n" * 301, "301 lines, at most 300"),
        ("nodes/host/deep/more.py", "from ...train import x", "host must not import node"),
        ("__init__.py", "from .nodes import FaceA", "the root imports only when ComfyUI calls"),
        ("__init__.py", "if True:\n    import torch", "the root imports only when ComfyUI calls"),
        ("__init__.py", "class A:\n    from .nodes import FaceA", "only when ComfyUI calls"),
        ("__init__.py", LATE + "from .facea_core import demo", "root must not import facea_core"),
        ("__init__.py", LATE + "from .nodes.host import x", "root must not import host"),
        ("__init__.py", LATE + "import torch", "root must not import torch"),
        ("__init__.py", LATE + "from facea_core import demo", "inside the pack are relative"),
    ],
)
def test_a_broken_rule_of_the_pack_is_found(tmp_path: Path, file: str, source: str, complaint: str):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    found = pack_violations(tmp_path)
    assert len(found) == 1, found
    assert found[0].startswith(file)
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (NODE, "import json\nimport torch\nfrom comfy_api.latest import io, ui"),
        (NODE, "from __future__ import annotations\nfrom ..facea_core.library import train_once"),
        (NODE, "from .host import schema\nfrom .host.schema import IDENTITY"),
        (HOST, "import comfy.utils\nimport torch\nfrom comfy_api.latest import io"),
        (HOST, "from ...facea_core.types import Identity\nfrom .tiny import FaceATiny"),
        (FIRST, "from comfy_api.latest import io\nfrom .train import x\nfrom .host import y"),
        ("__init__.py", "WEB = './web'\n" + LATE + "import logging\n    from .nodes import FaceA"),
    ],
)
def test_a_kept_rule_of_the_pack_is_silent(tmp_path: Path, file: str, source: str):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert pack_violations(tmp_path) == []


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
