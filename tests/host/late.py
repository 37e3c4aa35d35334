"""What importing the pack into ComfyUI imports besides. Prints JSON.

python tests/host/late.py COMFYUI
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import time
from pathlib import Path


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    sys.path.insert(0, sys.argv[1])
    sys.argv = ["main.py", "--cpu"]
    import comfy.options

    comfy.options.enable_args_parsing()
    import server  # noqa: F401
    from comfy_api.latest import ComfyExtension  # noqa: F401

    import nodes  # noqa: F401  # the host's own, with all that it imports

    before, began = set(sys.modules), time.process_time()
    spec = importlib.util.spec_from_file_location(
        "facea-net", root / "__init__.py", submodule_search_locations=[str(root)]
    )
    assert spec is not None
    assert spec.loader is not None
    pack = importlib.util.module_from_spec(spec)
    sys.modules["facea-net"] = pack
    spec.loader.exec_module(pack)
    extension = asyncio.run(pack.comfy_entrypoint())
    shown = [node.GET_SCHEMA().node_id for node in asyncio.run(extension.get_node_list())]
    seconds = time.process_time() - began
    new = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
    relied = sys.modules["facea-net.nodes.host.relied"]
    sd = sys.modules["comfy.sd1_clip"].SDTokenizer
    healthy, look_up = relied.differences(), sd._try_get_embedding
    del sd._try_get_embedding
    ill = relied.differences()
    sd._try_get_embedding = look_up
    print(json.dumps({"seconds": round(seconds, 3), "new": new, "nodes": shown,
                      "healthy": healthy, "ill": ill}))  # fmt: skip


if __name__ == "__main__":
    main()
