"""What loading the pack into ComfyUI imports, and what it sees of it; prints a line of JSON.

python tests/host/late.py <ComfyUI> <empty folder>
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from inside import enter_host, load_pack, part


def main(comfyui: Path, base: Path) -> dict[str, Any]:
    enter_host(comfyui, base)
    from comfy_api.latest import ComfyExtension  # noqa: F401

    import nodes  # noqa: F401  # ComfyUI's own, as it has them before it loads packs

    before, began = set(sys.modules), time.process_time()
    load_pack()
    names = [name for name in dir(part("nodes")) if name.startswith("FaceA") and name != "FaceA"]
    for name in names:
        getattr(part("nodes"), name).GET_SCHEMA()
    seconds = time.process_time() - began
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    tokenizer, differences = sys.modules["comfy.sd1_clip"].SDTokenizer, part("nodes.host.relied")
    healthy, look_up = differences.differences(), tokenizer._try_get_embedding
    del tokenizer._try_get_embedding
    ill = differences.differences()
    tokenizer._try_get_embedding = look_up
    return {
        "seconds": round(seconds, 3), "new": sorted(new), "nodes": names,
        "healthy": healthy, "ill": ill,
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n")
