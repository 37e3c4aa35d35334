"""The import rules of the pack around facea_core: its root, the nodes, and what knows ComfyUI."""

import ast
import sys
from pathlib import Path

import pytest

import facea_core
from tests.unit.imports import found_in, imports_of, too_long

PACK = Path(facea_core.__file__).parents[1]

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
NOT_FOR_NODES = (("facea_core", "cli"), ("benchmarks",), ("pretraining",))


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


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "pretraining", "scripts"])
def test_what_stands_around_the_pack_has_short_files_too(folder: str):
    files = sorted((PACK / folder).rglob("*.py"))
    assert files
    found = [too_long(path.relative_to(PACK), path.read_text("utf-8")) for path in files]
    assert [line for lines in found for line in lines] == []


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
        (NODE, "from ..pretraining import fit", "is not for nodes"),
        (
            NODE,
            "from ..facea_core.identity_store.store import _save",
            "_save is private to its file",
        ),
        (NODE, "from .host.patching import _patches", "_patches is private to its file"),
        (NODE, "from ..tests.conftest import backbone", "node must not import tests"),
        (NODE, "import facea_core.types", "imports inside the pack are relative"),
        (NODE, "from nodes.host import schema", "imports inside the pack are relative"),
        (NODE, "x = 1\n" * 301, "301 lines, at most 300"),
        (
            FIRST,
            "from ..facea_core.identity_store.store import train_once",
            "nodes must not import facea_core",
        ),
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
    found = found_in(pack_violations, tmp_path, file, source)
    assert len(found) == 1, found
    assert found[0].startswith(file)
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (NODE, "import json\nimport torch\nfrom comfy_api.latest import io, ui"),
        (
            NODE,
            "from __future__ import annotations\nfrom ..facea_core.types import Photo",
        ),
        (NODE, "from .host import schema\nfrom .host.schema import IDENTITY"),
        (HOST, "import comfy.utils\nimport torch\nfrom comfy_api.latest import io"),
        (HOST, "from ...facea_core.types import Identity\nfrom .tiny import FaceATiny"),
        (FIRST, "from comfy_api.latest import io\nfrom .train import x\nfrom .host import y"),
        ("__init__.py", "WEB = './web'\n" + LATE + "import logging\n    from .nodes import FaceA"),
    ],
)
def test_a_kept_rule_of_the_pack_is_silent(tmp_path: Path, file: str, source: str):
    assert found_in(pack_violations, tmp_path, file, source) == []
