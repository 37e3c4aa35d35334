"""What a node shows at one moment, and the scripts that look at it in the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# How the trainer says how far it is.
_STEP = re.compile(r"step (\d+) of (\d+) · loss \d+\.\d+ · \d+:\d\d left")

SHOWN = """
id => {
    const node = app.graph.getNodeById(id)
    const line = node.widgets?.find(w => w.name === '$$node-text-preview')
    const picture = node.imgs?.[0]
    const read = [...document.querySelectorAll('.dom-widget')].filter(
        one => line?.value && one.checkVisibility() && one.textContent.includes(line.value))
    return [
        node.progress ?? null,
        line?.value ?? '',
        read.length === 1,
        picture?.naturalWidth ? [picture.naturalWidth, picture.naturalHeight] : null,
    ]
}
"""

# The page itself looks: a machine that does other things asks it too seldom.
WATCH = f"""
id => {{
    const shown = {SHOWN}
    window.faceaMoments = []
    const look = () => {{
        const now = JSON.stringify(shown(id))
        if (window.faceaMoments.at(-1) !== now) window.faceaMoments.push(now)
    }}
    look()
    setInterval(look, 50)
}}
"""


@dataclass(frozen=True)
class Moment:
    """What a node shows at one moment: its bar (0 to 1), its line of text, its picture's size.

    The line can be `read` where it is an element of the page over the canvas.
    """

    bar: float | None
    line: str
    read: bool
    picture: tuple[int, int] | None

    @property
    def step(self) -> int | None:
        """The step in the line of a trainer; None if the line is another."""
        line = _STEP.fullmatch(self.line)
        return int(line[1]) if line else None


def moment_of(shown: Sequence[Any]) -> Moment:
    """What `SHOWN` gave."""
    bar, line, read, picture = shown
    return Moment(bar, line, read, tuple(picture) if picture else None)
