"""Means over people, differences between arms in the same people, and how sure they are."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import bootstrap

from .arms import ARMS, REFERENCE, arm_named
from .journal import Row
from .metrics import MEASURES

RESAMPLES = 5000


class Estimate(NamedTuple):
    """A mean over people and its 95 % interval; NaN where it cannot be said."""

    mean: float
    low: float
    high: float
    people: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


class Result(NamedTuple):
    """An arm: each measure by itself, and less that of the reference in the same people."""

    arm: str
    about: str
    measures: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]


def results(rows: Sequence[Row]) -> list[Result]:
    """One per arm, in the order of ARMS; arms of your own settings come last."""
    values = {measure: _by_person(rows, measure) for measure in MEASURES}
    found = {row["arm"] for row in rows}
    known = [arm for arm in ARMS.values() if arm.name in found]
    out = []
    for arm in (*known, *(arm_named(name) for name in sorted(found - set(ARMS)))):
        own, against = {}, {}
        for measure, of in values.items():
            mine = of.get(arm.name, {})
            own[measure] = estimate(list(mine.values()))
            against[measure] = difference(mine, of.get(REFERENCE, {}))
        out.append(Result(arm.name, arm.about, own, against))
    return out


def _by_person(rows: Sequence[Row], measure: str) -> dict[str, dict[str, float]]:
    """Arm -> person -> mean over the pictures; what is NaN is left out."""
    seen: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        value = row.get(measure, math.nan)
        if value == value:
            seen.setdefault(row["arm"], {}).setdefault(row["person"], []).append(value)
    return {
        arm: {person: sum(v) / len(v) for person, v in people.items()}
        for arm, people in seen.items()
    }


def difference(arm: Mapping[str, float], reference: Mapping[str, float]) -> Estimate:
    """Over the people that both have."""
    return estimate([arm[person] - reference[person] for person in arm if person in reference])


def estimate(values: Sequence[float]) -> Estimate:
    """The BCa bootstrap over people (Efron 1987), from a fixed seed; no interval for one person.

    Of differences between two arms this is the paired bootstrap: a person is drawn with both.
    """
    known = np.array(values, dtype=np.float64)
    if len(known) < 2:
        return Estimate(float(known[0]) if len(known) else math.nan, math.nan, math.nan, len(known))
    if np.allclose(known, known[0], rtol=1e-9, atol=1e-12):
        # Nothing varies but rounding, for which BCa's corrections are not defined.
        low, high = known.min(), known.max()
    else:
        low, high = bootstrap(
            (known,), np.mean, n_resamples=RESAMPLES, method="BCa", rng=0
        ).confidence_interval
    return Estimate(float(known.mean()), float(low), float(high), len(known))


def ratio(pairs: Sequence[tuple[float, float]]) -> Estimate:
    """The sum of the first numbers by that of the second, a pair for each person, and its BCa
    interval over people; NaN where the second add up to nothing, or might.

    Unlike a mean of ratios it is not led by a person whose second number is small.
    """
    known = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    above, below = known.T
    if abs(below.sum()) < 1e-9:
        return Estimate(math.nan, math.nan, math.nan, len(known))
    whole = above.sum() / below.sum()
    if len(known) < 2 or below.min() <= 0:
        return Estimate(float(whole), math.nan, math.nan, len(known))
    if np.allclose(above, whole * below, rtol=1e-9, atol=1e-12):
        return Estimate(float(whole), float(whole), float(whole), len(known))
    low, high = bootstrap(
        (above, below), _quotient, n_resamples=RESAMPLES, paired=True, method="BCa", rng=0
    ).confidence_interval
    return Estimate(float(whole), float(low), float(high), len(known))


def _quotient(above: np.ndarray, below: np.ndarray, axis: int = -1) -> np.ndarray:
    return above.sum(axis=axis) / below.sum(axis=axis)


HIDDEN = ("training", "outside")
"""Measures that the tables for people leave out; files hold all."""


def shown(found: Sequence[Result]) -> list[str]:
    """The measures that anybody has."""
    return [
        name
        for name in MEASURES
        if name not in HIDDEN and any(r.measures[name].people for r in found)
    ]


def markdown(found: Sequence[Result]) -> str:
    """Two tables: each arm by itself, and against the reference."""
    columns = shown(found)
    head = "| arm | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1)
    own = [_line(r.arm, [r.measures[m] for m in columns], signed=False) for r in found]
    against = [
        _line(r.arm, [r.differences[m] for m in columns], signed=True)
        for r in found
        if r.arm != REFERENCE
    ]
    people = max((r.measures["heldout"].people for r in found), default=0)
    lines = [
        f"Means over {people} people, with 95 % intervals over people.\n",
        head,
        *own,
        f"\nLess `{REFERENCE}`, in the same people; bold where the interval leaves out 0.\n",
        head,
        *against,
        "\nColumns:\n",
        *(f"- `{name}`: {MEASURES[name]}" for name in columns),
        "\nArms:\n",
        *(f"- `{r.arm}`: {r.about}" for r in found),
    ]
    return "\n".join(lines) + "\n"


def _line(arm: str, estimates: Sequence[Estimate], *, signed: bool) -> str:
    cells = [cell(e, signed=signed) for e in estimates]
    if signed:
        cells = [
            f"**{text}**" if e.clear else text for e, text in zip(estimates, cells, strict=True)
        ]
    return f"| {arm} | " + " | ".join(cells) + " |"


def cell(e: Estimate, *, signed: bool) -> str:
    """`0.52 (0.48 to 0.56)`."""
    if e.mean != e.mean:
        return ""
    sign = "+" if signed else ""
    text = f"{e.mean:{sign}.3f}"
    if e.low == e.low:
        text += f" ({e.low:{sign}.3f} to {e.high:{sign}.3f})"
    return text


def as_dict(found: Sequence[Result]) -> dict[str, Any]:
    """For JSON, which has no NaN: None instead."""
    return {
        r.arm: {"about": r.about, "measures": _plain(r.measures), "less": _plain(r.differences)}
        for r in found
    }


def _plain(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {
        name: {key: None if value != value else value for key, value in e._asdict().items()}
        for name, e in estimates.items()
    }


def as_csv(found: Sequence[Result]) -> str:
    """A line per arm and measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["arm", "measure", "people", "mean", "low", "high",
                     "difference", "difference_low", "difference_high"])  # fmt: skip
    for r in found:
        for measure in MEASURES:
            own, against = r.measures[measure], r.differences[measure]
            writer.writerow([r.arm, measure, own.people, *own[:3], *against[:3]])
    return text.getvalue()
