"""Writes every workflow twice, for the canvas (workflows/) and for the API (workflows/api/), and
the subgraphs that the front end lists among its nodes (subgraphs/).

    python scripts/build_workflows.py [--url http://127.0.0.1:8188] [--check]

Both files of a pair come from one description in `templates/` (subgraphs: `blueprints.py`), so they
cannot drift apart. What inputs a node has is asked of a running ComfyUI with this pack; an input
that the description does not name gets its default. With --check nothing is written and the exit
status says whether the files on disk are what would be.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from blueprints import BLUEPRINTS
from canvas import Graph, canvas_of, prompt_of
from templates import GRAPHS

# The front end fits a template into three quarters of its canvas (1600 x 1000): so this is 60 %.
# Below 57 % it leaves out the text on nodes.
LARGEST = (1960, 1190)


def build(info: dict[str, Any]) -> dict[str, str]:
    """Every file as its text, by its path in the pack."""
    files: dict[str, str] = {}
    for name, describe in GRAPHS.items():
        graph = Graph(info, name)
        describe(graph)
        placed = [n for group, _ in graph.groups for column in group.columns for n in column]
        lost = [node for node in [*graph.nodes, *graph.notes] if node not in placed]
        if lost:
            raise SystemExit(f"{name}: {', '.join(node.title for node in lost)} stand in no group")
        size = graph.size()
        if size[0] > LARGEST[0] or size[1] > LARGEST[1]:
            raise SystemExit(f"{name}: {size[0]} x {size[1]}, more than can be read at one look")
        files[f"workflows/{name}.json"] = _text(canvas_of(graph))
        files[f"workflows/api/{name}.json"] = _text(prompt_of(graph))
    for name, describe in BLUEPRINTS.items():
        files[f"subgraphs/{name}.json"] = _text(describe(Graph(info, name)))
    return files


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8188", help="a ComfyUI with this pack")
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args()
    with urlopen(f"{args.url.rstrip('/')}/object_info", timeout=60) as answer:
        info = json.load(answer)
    stale = []
    for path, text in build(info).items():
        file = here / path
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not args.check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    verb = "differs" if args.check else "written"
    print("\n".join(f"{path}: {verb}" for path in stale) or "all files are up to date")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
