"""How good sets are by themselves, beside the painter's own pictures of as many people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from facea_core.dataset.grid import MEASURED
from facea_core.dataset.measures import evenness
from facea_core.dataset.people import USUAL
from facea_core.dataset.reading import Thirds, thirds_of
from facea_core.evaluation.identity_encoder import AttributeProbe

from ..control.bench import by_person, markdown
from ..likeness.journal import Row
from ..likeness.tables import cell, estimate
from .bench import PHOTO, TRUTH, Bench, Task
from .heads import Heads
from .learn import vectors_of

NAME, EXPRESSION = "sets", "expression"
LOWER, _, STRANGER = USUAL["tiny"]

MEASURES: Mapping[str, str] = {
    "uniqueness": f"share of people whose mean is like nobody else's by {STRANGER:g}",
    "consistency": f"share of pictures that are like their person's mean by {LOWER:g}",
    "diversity": "1 less the mean cosine of pictures with their person's mean",
    **{
        name: "entropy of a person's pictures over thirds of the painter's, 1 = all alike frequent"
        for name in MEASURED
    },
    EXPRESSION: "the same over smiling, an open mouth and neither, as the probe sees them",
}


def work(bench: Bench) -> None:
    """Every person of every set of more than three photos each."""
    truth = bench.heads(TRUTH)
    thirds = thirds_of([truth.read(number) for number in range(len(truth.labels))])
    for arm in bench.arms if bench.share[0] == 1 else ():
        heads = bench.heads(arm)
        people = [f"person-{label}" for label in heads.labels.unique().tolist()]
        if arm == PHOTO or not bench.left(NAME, arm, people, heads.source):
            continue
        vectors = vectors_of(bench.encoder, heads.crops)
        expressions = expressions_of(bench.probe, heads.crops)
        found = figures_of(heads, vectors, expressions, thirds)
        for person, figures in zip(people, found, strict=True):
            bench.add(NAME, arm, person, heads.source, figures)


def figures_of(
    heads: Heads, vectors: Tensor, expressions: Tensor, thirds: Thirds
) -> list[dict[str, float]]:
    """MEASURES of each person of the heads, in the order of the labels; NaN is left out.

    `vectors (N, D)` are of unit length, `expressions (N,)` one of three.
    """
    mine = [heads.of(label) for label in heads.labels.unique().tolist()]
    centres = torch.stack([F.normalize(vectors[some].mean(dim=0), dim=0) for some in mine])
    alike = (centres @ centres.T).fill_diagonal_(-1.0)
    found = []
    for number, some in enumerate(mine):
        cosines = vectors[some] @ centres[number]
        figures = {
            "uniqueness": float(alike[number].max() < STRANGER),
            "consistency": float((cosines >= LOWER).float().mean()),
            "diversity": float(1 - cosines.mean()),
            **{
                name: entropy(levels(heads.measures[some, column], thirds[name]), 3)
                for column, name in enumerate(MEASURED)
                if name in thirds
            },
            EXPRESSION: entropy(expressions[some], 3),
        }
        found.append({name: value for name, value in figures.items() if not math.isnan(value)})
    return found


def levels(values: Tensor, third: tuple[float, float]) -> Tensor:
    """0, 1 or 2 for each of the values `(n,)` that is none of NaN."""
    known = values[~values.isnan()]
    return (known >= third[0]).long() + (known > third[1]).long()


def entropy(found: Tensor, count: int) -> float:
    """`evenness` of `count` levels among `found (n,)`."""
    return evenness(torch.bincount(found, minlength=count).tolist())


@torch.no_grad()
def expressions_of(probe: AttributeProbe, crops: Tensor) -> Tensor:
    """0 = neither, 1 = smiling, 2 = not smiling and an open mouth, `(N,)`."""
    found = []
    for some in crops.split(100):
        answers = probe.look(some.float() / 255).classes
        smile, opened = (answers[name].argmax(dim=1) for name in ("smile", "open_mouth"))
        found.append(torch.where(smile == 1, 1, 2 * opened))
    return torch.cat(found)


def table(rows: Sequence[Row]) -> str:
    """A line for each measure, a column for each arm; in brackets the intervals over people."""
    arms = sorted({row["arm"] for row in rows}, key=lambda arm: (arm != TRUTH, arm))
    lines = []
    for name in MEASURES:
        line = [name]
        means = {}
        for arm in arms:
            some = [row for row in rows if name in row]
            one = estimate(list(by_person(some, arm, lambda r, name=name: r[0][name]).values()))
            means[arm] = one.mean
            line.append(cell(one, signed=False))
        if name == "diversity" and TRUTH in arms:
            for column, arm in enumerate(arms[1:], start=2):
                line[column] += f", {means[arm] / means[TRUTH]:.2f} of `{TRUTH}`"
        lines.append(line)
    text = markdown(["Measure", *(f"`{arm}`" for arm in arms)], lines)
    by_text: dict[str, list[str]] = {}
    for name, said in MEASURES.items():
        by_text.setdefault(said, []).append(name)
    said = [f"- {', '.join(names)}: {text}" for text, names in by_text.items()]
    return "\n".join([text, "", *said])


TASK = Task(NAME, work, table)
