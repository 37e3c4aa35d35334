"""Grounding-DINO under several versions of transformers.

    python -m tests.parity.matrix [VERSION ...]       (after `python -m tests.parity SwinT`)

For each version: a small environment in `.parity/`, the unit tests of Grounding-DINO in it, and our
side of the comparison with groundingdino-py for SwinT and one picture. The result is written to
tests/parity/results/matrix.json; exits with 1 if a test fails or an answer differs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .__main__ import DATA
from .environments import FOLDER, ROOT, environment, run

VERSIONS: dict[str, tuple[str, ...]] = {
    "4.48.0": ("diffusers==0.32.0", "peft==0.14.0"),
    "4.50.3": ("diffusers==0.33.1", "peft==0.15.2"),
    "4.57.6": ("diffusers==0.36.0", "peft==0.18.0"),
    "5.0.0": (),
    "5.11.0": (),
    "5.23.0": (),
}
"""Version of transformers -> what of FaceA's other dependencies is not taken from `.venv`, because
it needs a newer one. The first line is the oldest of all that pyproject.toml claims."""

RESULT = Path(__file__).with_name("results") / "matrix.json"
TESTS = sorted(ROOT.glob("tests/unit/test_grounding*.py"))


def main() -> int:
    result: dict[str, Any] = json.loads(RESULT.read_text("utf-8")) if RESULT.is_file() else {}
    for wanted in sys.argv[1:] or VERSIONS:
        result[wanted] = figures(wanted)
        print(f"transformers {wanted}: {result[wanted]}", flush=True)
        result = {one: result[one] for one in VERSIONS if one in result}
        RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 0 if all(one["tests"]["passes"] and one["agrees"] for one in result.values()) else 1


def figures(wanted: str) -> dict[str, Any]:
    python = environment(f"transformers-{wanted}", [f"transformers=={wanted}", *VERSIONS[wanted]])
    report, seen = FOLDER / "tests.xml", FOLDER / "seen.json"
    report.unlink(missing_ok=True)
    seen.unlink(missing_ok=True)
    run(python, "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *TESTS)
    run(python, "tests.parity.ours", DATA, seen, "SwinT", "--quick")
    parity = json.loads(seen.read_text("utf-8")) if seen.is_file() else {}
    answers = [
        one
        for pictures in parity.get("models", {}).values()
        for phrases in pictures["same_input"].values()
        for one in phrases.values()
    ]
    return {
        "versions": parity.get("versions"),
        "tests": tests_in(report),
        "agrees": parity.get("agrees", False),
        "greatest_difference": {
            f"{what}{'' if kind == 'float32' else '_as_it_is'}": max(
                (one[kind][what] for one in answers), default=None
            )
            for kind in ("float32", "float32_as_it_is")
            for what in ("logits", "boxes")
        },
    }


def tests_in(report: Path) -> dict[str, Any]:
    if not report.is_file():
        return {"passes": False, "passed": 0, "failed": ["pytest did not start"]}
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [
        str(one.get("name"))
        for one in cases
        if one.find("failure") is not None or one.find("error") is not None
    ]
    skipped = sum(one.find("skipped") is not None for one in cases)
    passed = len(cases) - len(failed) - skipped
    return {
        "passes": bool(passed) and not failed,
        "passed": passed,
        "skipped": skipped,
        "failed": failed,
    }


if __name__ == "__main__":
    sys.exit(main())
