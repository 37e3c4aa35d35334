"""Many pictures of one person, painted by the wired MODEL, with progress on the node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ...facea_core import composing, dataset, detection
from ...facea_core.composing import ComposeConfig
from ...facea_core.errors import ConfigError, NoFaceError
from ...facea_core.settings import check_text
from ...facea_core.types import BackboneSpec, Identity
from .folders import input_folder
from .lists import photos_in
from .painting import Studio, counting_composer
from .progress import Progress


def set_painter(
    node: Any, studio: Studio, identity: Identity, detector: detection.Detector,
    config: ComposeConfig, spec: BackboneSpec, wanted: int,
) -> tuple[dataset.Paint, dataset.OnTry]:  # fmt: skip
    """What paints `wanted` pictures, and what is told before each painting.

    The bar counts pictures that passed, and never goes back: a painting that is rejected keeps it
    where it is. It shows each painting while it is made and when it is finished.
    """
    total = wanted * config.steps
    progress = Progress(total, node.hidden.unique_id)
    paintings = passed = seen = began = shown = 0

    def on_step(done: int, preview: Any) -> None:
        nonlocal seen, shown
        seen = done
        # A part that is painted a second time takes more steps than a picture is counted for.
        here = passed * config.steps + min(done - began, config.steps)
        shown = max(shown, min(here, total))
        progress.at(shown, total, preview)

    compose = counting_composer(studio, spec, on_step, progress.alive)

    def one_face(image: Tensor, face: composing.TargetFace, how: ComposeConfig) -> Tensor:
        return compose(0, image, [face], how).image

    paint_one = dataset.painter_by(one_face, identity, detector, config)

    def paint(
        host: dataset.Host, image: Tensor, keep: Tensor | None, words: Sequence[str], seed: int
    ) -> Tensor:
        made = paint_one(host, image, keep, words, seed)
        progress.show(shown, total, made)
        return made

    def on_try(so_far: int, wanted: int) -> None:
        nonlocal paintings, passed, began
        progress.alive()
        passed, began = so_far, seen
        progress.say(f"{paintings} paintings, {so_far} can be kept, {wanted} wanted")
        paintings += 1

    return paint, on_try


def hosts_in(
    node: Any, batches: Sequence[Tensor], folder: str, detector: detection.Detector,
    resolution: int,
) -> tuple[list[dataset.Host], list[str]]:  # fmt: skip
    """The host pictures of IMAGEs, then those of a folder as a user names it, and notes on those
    left out.

    Raises ConfigError for neither, ImageError for a folder without pictures, NoFaceError where none
    can be painted into.
    """
    progress = Progress(1, node.hidden.unique_id)

    def on_tick(done: int, total: int) -> None:
        progress.prepare("looking at host pictures", done, total)

    folder = check_text("hosts_folder", folder).strip()
    if not batches and not folder:
        raise ConfigError(
            "there are no host pictures: wire pictures of anybody to hosts, or name a folder of "
            "them in hosts_folder"
        )
    pictures, notes = photos_in(batches) if batches else ([], [])
    hosts, more = dataset.hosts_of(pictures, detector, resolution, on_tick)
    notes += more
    if folder:
        read, more = dataset.read_hosts(input_folder(folder), detector, resolution, on_tick)
        hosts, notes = hosts + read, notes + more
    if not hosts:
        raise NoFaceError(f"no host picture can be painted into: {'; '.join(notes[:3])}")
    return hosts, notes
