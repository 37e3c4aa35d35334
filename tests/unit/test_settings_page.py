"""docs/settings.md is what the code says."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_settings_is_up_to_date():
    page = runpy.run_path(str(ROOT / "scripts" / "build_settings.py"))["page"]
    said = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert said == page(), "run python scripts/build_settings.py"
