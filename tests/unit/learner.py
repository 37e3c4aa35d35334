"""A training of Ada that shares its place with others; also as a process of its own.

    PYTHONPATH=<repository> python tests/unit/learner.py <place> <seed> <steps> <pause>

The process prints the number of each step, stops after step `pause` until the file `go` is in
`place`, and prints one line of JSON in the end.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from facea_core.backbone import Backbone
from facea_core.backbone.load import random_backbone
from facea_core.identity.subject import Subject
from facea_core.identity_store.store import Trained, train_once
from facea_core.training import TrainConfig
from tests.narrow import quick
from tests.unit.photos import small_photo


def make_backbone() -> Backbone:
    return quick(random_backbone(0), 32)


def learn(
    place: Path,
    seed: int,
    steps: int,
    tick: Callable[[int, int], None],
    backbone: Backbone | None = None,
) -> Trained:
    backbone = backbone or make_backbone()
    config = TrainConfig(
        attributes="eyes", steps=steps, batch=1, rank=2, variants=1, save_every=1, seed=seed,
        embedding_lr=1e-2,
    )  # fmt: skip
    return train_once(
        [small_photo()], backbone, config, place / "facea", place / "runs", Subject("ada"),
        on_tick=tick, words=place / "words",
    )  # fmt: skip


def hidden(place: Path) -> list[str]:
    """Locks and temporary files."""
    return [str(path) for path in place.rglob(".*")] + [str(path) for path in place.rglob("*.lock")]


def main(place: Path, seed: int, steps: int, pause: int) -> None:
    def tick(done: int, total: int) -> None:
        print(done, flush=True)  # noqa: T201
        while done == pause and not (place / "go").exists():
            time.sleep(0.02)

    done = learn(place, seed, steps, tick)
    print(json.dumps({"path": str(done.path), **done.record}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
