"""Grounding-DINO through transformers, as FaceA uses it, against groundingdino-py.

    python -m tests.parity [SwinT] [SwinB]        (both if none is named)

Makes `.parity/reference`, an environment with groundingdino-py and the newest transformers that can
build its model, beside the one this runs in. There its models get random weights, are saved in the
layout of the published files, and answer for three photographs (tests/parity/reference.py). Here
the same file goes through our loader and is asked the same (tests/parity/ours.py). The differences
are written to tests/parity/results/parity.json; exits with 1 if they are too large.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .environments import FOLDER, environment, run
from .pictures import MODELS

PACKAGES = ("groundingdino-py==0.4.0", "transformers==4.57.6")
"""transformers 4.57.6 is the last of 4.x; in 5.0 BERT lost what groundingdino-py takes from it."""

DATA = FOLDER / "data"
RESULT = Path(__file__).with_name("results") / "parity.json"


def main() -> int:
    models = sys.argv[1:] or list(MODELS)
    reference = environment("reference", PACKAGES)
    if status := run(reference, "tests.parity.reference", DATA, *models).returncode:
        return status
    seen = DATA / "ours.json"
    if status := run(sys.executable, "tests.parity.ours", DATA, seen, *models).returncode:
        return status
    ours = json.loads(seen.read_text("utf-8"))
    theirs = json.loads((DATA / "versions.json").read_text("utf-8"))
    result = {"reference": theirs, "ours": ours.pop("versions"), **ours}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(f"{RESULT}: {'agrees' if result['agrees'] else 'DIFFERS'}")
    return 0 if result["agrees"] else 1


if __name__ == "__main__":
    sys.exit(main())
