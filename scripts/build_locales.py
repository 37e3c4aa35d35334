"""Writes locales/en/nodeDefs.json from what the nodes say of themselves.

    python scripts/build_locales.py [--url http://127.0.0.1:8188] [--check]

The front end takes names and tooltips from there, and looks up other languages by the same keys.
With --check nothing is written and the exit status says whether the file is up to date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

FILE = Path(__file__).resolve().parents[1] / "locales" / "en" / "nodeDefs.json"


def node_definitions(info: dict[str, Any]) -> dict[str, Any]:
    """The nodes of this pack as the front end's translations hold them."""
    return {name: _node(info[name]) for name in sorted(info) if name.startswith("FaceA")}


def _node(info: dict[str, Any]) -> dict[str, Any]:
    inputs = {
        name: spec[1] if len(spec) > 1 else {}
        for section in ("required", "optional")
        for name, spec in info["input"].get(section, {}).items()
    }
    return {
        "display_name": escape(info["display_name"]),
        "description": escape(info["description"]),
        "inputs": {
            name: {"name": name, "tooltip": escape(options.get("tooltip", ""))}
            for name, options in inputs.items()
        },
        "outputs": {
            str(index): {"name": name, "tooltip": escape(tooltip or "")}
            for index, (name, tooltip) in enumerate(
                zip(info["output_name"], info["output_tooltips"], strict=True)
            )
        },
    }


def escape(text: str) -> str:
    """Text in which nothing is a command of the front end's message format."""
    return re.sub(r"[{}@|]", lambda found: f"{{'{found[0]}'}}", text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8188", help="a ComfyUI with this pack")
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args()
    with urlopen(f"{args.url.rstrip('/')}/object_info", timeout=60) as answer:
        info = json.load(answer)
    text = json.dumps(node_definitions(info), indent=2, ensure_ascii=False) + "\n"
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == text:
        print(f"{FILE.name} is up to date")
        return 0
    if not args.check:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(text, encoding="utf-8")
    print(f"{FILE.name}: {'differs' if args.check else 'written'}")
    return int(args.check)


if __name__ == "__main__":
    sys.exit(main())
