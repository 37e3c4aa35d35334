"""Rows of a benchmark."""

from benchmarks.likeness.arms import REFERENCE


def rows(people: int = 3) -> list[dict]:
    return [
        {"person": f"p{p}", "arm": arm, "scene": scene, "heldout": 0.1 * p + bonus}
        for p in range(people)
        for arm, bonus in ((REFERENCE, 0.5), ("caption", 0.2))
        for scene in range(2)
    ]
