"""The figures of a bench as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = (
    ("median", "median_ms", "8.1f"), ("p10", "p10_ms", "8.1f"), ("p90", "p90_ms", "8.1f"),
    ("wall", "wall_ms", "8.1f"), ("host", "host_ms", "8.1f"), ("first s", "first_step_s", "8.2f"),
    ("peak GB", "allocated_gb", "8.2f"), ("of floor", "of_floor", "8.2f"),
)  # fmt: skip


def table(result: Mapping[str, Any]) -> str:
    """Everything in `run_bench`'s result that a reader wants to see."""
    lines = [_about(result["machine"])]
    for run in result.get("runs", ()):
        lines += ["", *_run(run)]
    for model, counts in result.get("pretended", {}).items():
        lines += ["", f"{model}, one step on a GPU that is pretended", *_counts(counts)]
    for curve in result.get("curves", ()):
        lines += [
            "",
            f"{curve['model']}, {curve['steps']} losses in bfloat16 and in float32: apart by "
            f"{100 * curve['largest']:.2f} % at most, {100 * curve['mean']:.2f} % on average",
        ]
    for model, whole in result.get("end_to_end", {}).items():
        lines += [
            "",
            f"{model}, {whole['photos']} photos to a saved identity, {whole['steps']} steps: "
            f"{whole['total_s']:.1f} s (load {whole['load_s']:.1f}, train {whole['train_s']:.1f}, "
            f"save {whole['save_s']:.1f}); {whole['mode']}",
        ]
    lines += ["", *(_gate(gate) for gate in result["gates"])]
    return "\n".join(lines)


def _about(machine: Mapping[str, Any]) -> str:
    names = [machine["device"], machine["processor"], f"torch {machine['torch']}"]
    return ", ".join(name for name in (*names, machine.get("card")) if name)


def _run(run: Mapping[str, Any]) -> list[str]:
    head = "".join(f"{name:>9}" for name, _, _ in COLUMNS)
    lines = [
        f"{run['model']}, {run['resolution']} px, {run['batch']} pictures, {run['dtype']}: "
        f"milliseconds per step ({run['clock']})",
        f"{'':<20}{head}",
    ]
    for name, row in run["rows"].items():
        cells = (
            f" {row[key]:{form}}" if row[key] is not None else f"{'-':>9}"
            for _, key, form in COLUMNS
        )
        lines.append(f"{name:<20}{''.join(cells)}")
    lines += [_ratio(name, found) for name, found in run["ratios"].items()]
    if run["counts"]:
        lines += _counts(run["counts"])
    return [*lines, *run["notes"]]


def _ratio(name: str, found: Mapping[str, float | None]) -> str:
    line = f"{name}: {found['ratio']:.2f}"
    if found["low"] is None:
        return line
    return f"{line} (95 %: {found['low']:.2f} to {found['high']:.2f})"


def _counts(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    names = ("kernels", "optimiser", "reads", "uploads", "vae", "saved MB")
    lines = [f"{'':<20}{''.join(f'{name:>11}' for name in names)}"]
    for name, row in counts.items():
        cells = [row[key] for key in names[:-1]]
        lines.append(
            f"{name:<20}{''.join(f'{cell:>11}' for cell in cells)}{row['saved'] / 1e6:>11.1f}"
        )
    return lines


def _gate(gate: Mapping[str, Any]) -> str:
    side = "at least" if "at least" in gate else "at most"
    return (
        f"{'pass' if gate['passed'] else 'FAIL'}  {gate['name']}: {gate['value']:.4g} "
        f"({side} {gate[side]:g})"
    )
