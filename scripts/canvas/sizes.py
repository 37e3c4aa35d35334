"""How much room nodes need, in pixels of the canvas, and where the nodes of a frame stand."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .values import LATER, Group, Node, Slot, Spec

# `TITLE` is the bar above a node's position.
TITLE, SLOT, WIDGET, TEXT, EDGE = 30, 20, 24, 54, 14
# The same of Nodes 2.0, whose nodes are taller; `BASE` counts the title and the badge below.
ROW, LINES, BASE = 30, 62, 68
# What a node needs once it has run: lines of text below its widgets, a picture below its slots.
SAID, SHOWN = 64, 232
QUIET = ("FaceASamplePhotos", "FaceAInpaintCompose")
"""Nodes that say nothing where all goes as it should."""
ALONE = {"PreviewImage": 266, "PreviewAny": 118}
WIDE, GAP_X, GAP_Y, PAD, HEADER = 250, 24, 12, 12, 32


def least_size(spec: Spec) -> tuple[int, int]:
    """What the front end would give the node, and a little more width."""
    height = max(len(spec.sockets), len(spec.outputs), 1) * SLOT
    lines = 0
    for name in spec.widgets:
        _, options, _ = spec.inputs[name]
        lines += TEXT if options.get("multiline") else WIDGET
        lines += WIDGET * spec.has_control(name)
        lines += WIDGET * bool(options.get("image_upload"))
    return WIDE, height + lines + (EDGE if lines else 6)


def room_of(node: Node) -> int:
    """How high the node may become, in either renderer, by what it shows after a run."""
    kind, spec = node.kind, node.spec
    if kind in ALONE:
        return ALONE[kind]
    high = BASE - TITLE + max(len(spec.sockets), len(spec.outputs), 1) * SLOT
    for name in spec.widgets:
        _, options, _ = spec.inputs[name]
        wired = isinstance(node.inputs.get(name), Slot)
        high += SLOT if wired else LINES if options.get("multiline") else ROW
        high += SHOWN * bool(options.get("image_upload"))
    high += ROW * len(LATER.get(kind, {}).keys() - spec.inputs.keys())
    if kind == "FaceAEmbeddingTrainer":  # its last picture while training, and the sheet
        return high + SAID + 2 * SHOWN + 8
    if kind in ("FaceASaveImage", "SaveImage"):
        return high + SHOWN
    return high + SAID * (kind.startswith("FaceA") and kind not in QUIET)


def note_size(lines: Sequence[str], wide: int) -> tuple[int, int]:
    """What a note with these lines of markdown needs."""
    # About what the front end's letters need: 5.4 pixels each, 17 a line.
    high = sum(17 * math.ceil(5.4 * len(line) / (wide - 40)) or 12 for line in lines)
    headings = sum(line.startswith("## ") for line in lines)
    # The front end makes none lower than 88.
    return wide, max(46 + high + 14 * headings, 88)


def width_of(group: Group) -> int:
    widths = [max(node.size[0] for node in column) for column in group.columns]
    return sum(widths) + GAP_X * (len(widths) - 1) + 2 * PAD


def place(group: Group, x: int, top: int) -> int:
    """Gives the nodes of a group their places; returns where the group ends below."""
    right, lowest = x + PAD, top
    for column in group.columns:
        width = max(node.size[0] for node in column)
        y = top + HEADER
        for node in column:
            y += TITLE
            node.pos, node.size = (right, y), (width, node.size[1])
            y += node.room + GAP_Y
        lowest = max(lowest, y - GAP_Y)
        right += width + GAP_X
    return lowest + PAD
