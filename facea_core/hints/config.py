"""The settings of hints: one source for the node's inputs and the CLI's flags."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import check_settings, setting

KEYPOINTS, OPENPOSE, LINES, EDGES, LINES_AND_EDGES = KINDS = (
    "keypoints",
    "openpose",
    "lines",
    "edges",
    "lines and edges",
)

ERASED, KEPT = HEADS = ("erased", "kept")


@dataclass(frozen=True)
class HintConfig:
    """What is drawn. Raises ConfigError for a value that is unknown or out of range."""

    kind: str = setting(
        "lines",
        "keypoints: five coloured points (InstantID); openpose: 70 white dots; lines: outlines of "
        "the face and its parts; edges: Canny; lines and edges: both",
        choices=KINDS,
    )
    blend: float = setting(
        0.0, "whose face: 0 = the image's, 1 = the person's of the photos, moved onto it", 0.0, 1.0
    )
    head: str = setting(
        "erased", "edges only: those inside the head are erased, or kept", choices=HEADS
    )
    hair: bool = setting(False, "lines only: draw the outline of the hair too")

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def by_points(self) -> bool:
        """Whether the points of faces are drawn, and not their outlines."""
        return self.kind in (KEYPOINTS, OPENPOSE)

    @property
    def with_lines(self) -> bool:
        return self.kind in (LINES, LINES_AND_EDGES)

    @property
    def with_edges(self) -> bool:
        return self.kind in (EDGES, LINES_AND_EDGES)

    @property
    def erased(self) -> bool:
        """Whether edges end at the heads: lines inside them would be drawn twice."""
        return self.head == ERASED or self.kind == LINES_AND_EDGES
