"""What loading the pack into ComfyUI imports, and what it sees of it; prints a line of JSON.

python tests/host/late.py <ComfyUI> <empty folder>
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from inside import enter_host, load_pack, part


def main(comfyui: Path, base: Path) -> dict[str, Any]:
    enter_host(comfyui, base)
    from comfy_api.latest import ComfyExtension  # noqa: F401

    import nodes  # noqa: F401  # ComfyUI's own, as it has them before it loads packs

    before, began = set(sys.modules), time.process_time()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        load_pack()
        names = schemas()
    seconds = time.process_time() - began
    new = sorted(set(sys.modules) - before)
    people = part("nodes.host").identity_files()
    tokenizer, differences = sys.modules["comfy.sd1_clip"].SDTokenizer, part("nodes.host.relied")
    healthy, look_up = differences.differences(), tokenizer._try_get_embedding
    del tokenizer._try_get_embedding
    ill = differences.differences()
    tokenizer._try_get_embedding = look_up
    return {
        "seconds": round(seconds, 3), "new": new, "at work": at_work(new), "nodes": names,
        "warnings": [str(one.message) for one in said], "people": people,
        "healthy": healthy, "ill": ill,
    }  # fmt: skip


def schemas() -> list[str]:
    """Asks every node of the pack for its schema; returns the nodes' names."""
    names = [name for name in dir(part("nodes")) if name.startswith("FaceA") and name != "FaceA"]
    for name in names:
        getattr(part("nodes"), name).GET_SCHEMA()
    return names


def at_work(modules: Iterable[str]) -> list[str]:
    """Those that work with torch, in the rooms of the core that hand their names out late."""
    return [
        name
        for name in modules
        if "__getattr__" in vars(sys.modules[".".join(name.split(".")[:3])])
        and {"torch", "Tensor"} & set(vars(sys.modules[name]))
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n")
