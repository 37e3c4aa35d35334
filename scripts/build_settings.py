"""Writes docs/settings.md: every setting, with its default, range and help, as the code has them.

    python scripts/build_settings.py [--check]

With --check nothing is written and the exit status says whether the file is up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from facea_core.audit import AuditConfig
from facea_core.composing import ComposeConfig, EditConfig
from facea_core.dataset.config import DatasetConfig
from facea_core.detection.config import DetectConfig
from facea_core.hints import HintConfig
from facea_core.restoring.config import RestoreConfig
from facea_core.sliders.config import TINY, SliderConfig
from facea_core.training.config import PRESETS, TrainConfig

FILE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"

HEAD = """# Every setting

Written by `scripts/build_settings.py` from the code. On the command line a setting is a flag
(`lora_lr` is `--lora-lr`); in ComfyUI it is a widget, or a name in the JSON of the trainer's
`settings` and of the audit's `limits`.
"""

PARTS = (
    ("Finding faces", DetectConfig, "`facea detect`, FaceA Attribute Detect"),
    ("Photo audit", AuditConfig, "`facea audit`, FaceA Photo Audit"),
    (
        "Training",
        TrainConfig,
        "`facea train`, `facea train-all`, FaceA Embedding Trainer, FaceA Train Folder",
    ),
    ("Sliders", SliderConfig, "`facea slider`, FaceA Train Slider"),
    ("Painting", ComposeConfig, "`facea compose`, FaceA Inpaint Compose"),
    ("Editing", EditConfig, "`facea edit`, FaceA Edit"),
    ("Restoring", RestoreConfig, "`facea restore`"),
    ("Sets of pictures", DatasetConfig, "`facea dataset`, FaceA Dataset Sampler"),
    ("Hints", HintConfig, "`facea hints`, FaceA Face Hints"),
)

OTHERS: Mapping[str, Mapping[str, Any]] = {
    "Training": {name: one for name, one in PRESETS.items() if one != TrainConfig()},
    "Sliders": {"tiny": TINY},
}
"""Settings that differ by model."""


def page() -> str:
    lines = [HEAD]
    for title, config, where in PARTS:
        others = OTHERS.get(title, {})
        lines += [f"## {title}", "", f"For {where}.", ""]
        groups = getattr(config, "GROUPS", {})
        head = [" | ".join(["| Setting", "Default", *others, "Range", "What it is |"])]
        head.append("|---" * (4 + len(others)) + "|")
        lines += [] if groups else head
        for field in fields(config):
            if field.name in groups:
                gap = [] if lines[-1] == "" else [""]
                lines += [*gap, f"### {groups[field.name].capitalize()}", "", *head]
            about = field.metadata
            cells = [f"`{field.name}`", _value(field.default)]
            for preset in others.values():
                there = getattr(preset, field.name)
                cells.append("" if there == field.default else _value(there))
            cells += [_range(about), about["help"].replace("|", "\\|")]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return f"`{value}`" if isinstance(value, str) and value else str(value) or "empty"


def _range(about: Any) -> str:
    if about["choices"]:
        return ", ".join(f"`{one}`" for one in about["choices"])
    low, high = about["min"], about["max"]
    if low is None and high is None:
        return ""
    if high is None or high > 1e6:
        return f"from {low:g}"
    return f"to {high:g}" if low is None else f"{low:g} to {high:g}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    text = page()
    if parser.parse_args().check:
        same = FILE.is_file() and FILE.read_text("utf-8") == text
        print(f"{FILE.name}: {'up to date' if same else 'outdated; run scripts/build_settings.py'}")
        return 0 if same else 1
    FILE.write_text(text, "utf-8")
    print(f"{FILE.name}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
