"""ComfyUI's modules and this pack in one process, without a server, as a script of its own.

For what cannot be seen from outside: the tensors that a model is fed, and times of single steps.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]


def enter(comfyui: Path, base: Path) -> ModuleType:
    """Import ComfyUI from its checkout, with `base` for its folders, and the pack as it would.

    Returns the pack's module; only one ComfyUI per process.
    """
    enter_host(comfyui, base)
    return load_pack()


def enter_host(comfyui: Path, base: Path) -> None:
    """ComfyUI alone."""
    # The repository has a folder `nodes` too; ComfyUI's own must be found first.
    here = {str(ROOT), str(Path(__file__).parent), ""}
    sys.path[:] = [str(comfyui), *(path for path in sys.path if path not in here)]
    from comfy.cli_args import args

    args.cpu, args.base_directory = True, str(base)
    # As its main.py: first, for a later import puts a folder before it that has a utils.py too.
    import utils.extra_config  # noqa: F401
    from server import PromptServer

    for kind in ("temp", "user", "output"):
        (base / kind).mkdir(parents=True, exist_ok=True)
    PromptServer(asyncio.new_event_loop())


def load_pack() -> ModuleType:
    """The pack, in a ComfyUI that was entered."""
    spec = importlib.util.spec_from_file_location(
        "facea-net", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    pack = importlib.util.module_from_spec(spec)
    sys.modules["facea-net"] = pack
    spec.loader.exec_module(pack)
    asyncio.run(_register(pack))
    return pack


async def _register(pack: Any) -> None:
    extension = await pack.comfy_entrypoint()
    await extension.get_node_list()


def part(name: str) -> ModuleType:
    """A module of the pack as ComfyUI loaded it: part("nodes.train")."""
    return importlib.import_module(f"facea-net.{name}")


def run_node(node: Any, **inputs: Any) -> tuple[Any, ...]:
    """Execute a node as ComfyUI does: in inference mode; what is not given has its default.

    A node that takes lists gets one of each input, unless a list is given.
    """
    import torch
    from comfy_api.latest import io

    schema = node.define_schema()
    given = {i.id: i.default for i in schema.inputs if hasattr(i, "default")} | inputs
    if schema.is_input_list:
        given = {k: v if isinstance(v, list) else [v] for k, v in given.items()}
    hidden = {io.Hidden.unique_id: "1"}
    # From v0.4.0 on ComfyUI hands them over a level deeper.
    clone = node.PREPARE_CLASS_CLONE({**hidden, "hidden_inputs": hidden})
    with torch.inference_mode():
        return clone.execute(**given).result
